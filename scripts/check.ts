// `npm run check`: everything that needs no server, side by side. What fails is shown in full, at the end. What a part
// remembers of the last run, so as not to look at every file again, is in `.mbflow/check`.
import { spawn } from 'node:child_process'

const parts: { readonly [name: string]: readonly string[] } = {
  'format, lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  // On one core: on several it computes half as much again, and the other parts have a use for them.
  types: ['node_modules/typescript/bin/tsc', '--project', '.', '--singleThreaded'],
  'dead code': ['node_modules/knip/bin/knip.js', '--cache', '--cache-location', '.mbflow/check/knip'],
  'architecture, unit tests': ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'],
  lock: ['scripts/lock-check.ts'],
}

const cwd = new URL('../', import.meta.url)

async function run(name: string, args: readonly string[]): Promise<{ name: string; passed: boolean; output: string }> {
  const begun = performance.now()
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const passed = await new Promise<boolean>(resolve => child.once('close', code => resolve(code === 0)))
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  process.stdout.write(`${passed ? 'ok    ' : 'failed'}  ${name.padEnd(24)} ${seconds.padStart(5)} s\n`)
  return { name, passed, output }
}

const failures = (await Promise.all(Object.entries(parts).map(([name, args]) => run(name, args)))).filter(
  ({ passed }) => !passed,
)
for (const { name, output } of failures) process.stdout.write(`\n── ${name} ──\n${output.trim()}\n`)
process.stdout.write(
  failures.length === 0 ? 'check passed\n' : `\ncheck failed: ${failures.map(({ name }) => name).join('; ')}\n`,
)
process.exitCode = failures.length === 0 ? 0 : 1
