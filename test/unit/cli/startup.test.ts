import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Packages loaded before any action runs: what is reached by imports that are neither types nor `import()`. */
function packagesOf(file: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>()
  if (seen.has(file.href)) return packages
  seen.add(file.href)
  for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm,
  )) {
    if (from.endsWith('.ts')) for (const name of packagesOf(new URL(from, file), seen)) packages.add(name)
    else if (!from.startsWith('node:') && !from.endsWith('.json')) packages.add(from)
  }
  return packages
}

test('--help loads no package but commander', () => {
  expect([...packagesOf(new URL('../../../src/cli/main.ts', import.meta.url))]).toEqual(['commander'])
})
