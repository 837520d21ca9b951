import { expect, test } from 'vitest'
import { type Lock, lockProblems } from '../../../scripts/lock-check.ts'

const integrity = 'sha512-x'

function problems(packages: Lock['packages'], manifest: Parameters<typeof lockProblems>[0] = {}): string[] {
  return lockProblems(manifest, { packages })
}

test('a complete lock of exact versions has no problems', () => {
  const packages = {
    '': { optionalDependencies: { 'tool-linux': '1.0.0' } },
    'node_modules/tool': {
      version: '1.0.0',
      integrity,
      optionalDependencies: { 'tool-linux': '1.0.0', 'tool-win': '1.0.0' },
    },
    'node_modules/tool-linux': { version: '1.0.0', integrity },
    'node_modules/tool/node_modules/tool-win': { version: '1.0.0', integrity },
  }
  expect(
    problems(packages, { dependencies: { tool: '1.0.0' }, optionalDependencies: { 'tool-linux': '1.0.0-beta.17' } }),
  ).toEqual([])
})

test("another platform's missing package is named", () => {
  const packages = { 'node_modules/a/node_modules/tool': { integrity, optionalDependencies: { 'tool-win': '1.0.0' } } }
  expect(problems(packages)).toEqual(['node_modules/a/node_modules/tool may need tool-win, which is not in the lock'])
})

test('an optional package of the project itself that is missing is named', () => {
  expect(problems({ '': { optionalDependencies: { 'tool-win': '1.0.0' } } })).toEqual([
    'package.json may need tool-win, which is not in the lock',
  ])
})

test('a package found beside an outer package counts as locked', () => {
  const packages = {
    'node_modules/a/node_modules/tool': { integrity, optionalDependencies: { dep: '1.0.0' } },
    'node_modules/a/node_modules/dep': { integrity },
  }
  expect(problems(packages)).toEqual([])
})

test('a package tied to a host is named', () => {
  expect(problems({ 'node_modules/a': { integrity, resolved: 'https://host.example/a.tgz' } })).toEqual([
    'node_modules/a is tied to one host by "resolved"',
  ])
})

test('a package without a hash is named', () => {
  expect(problems({ 'node_modules/a': {} })).toEqual(['node_modules/a has no integrity hash'])
})

test('an install script must have been refused by name', () => {
  const packages = {
    'node_modules/a': { integrity, hasInstallScript: true },
    'node_modules/a/node_modules/@s/b': { integrity, hasInstallScript: true },
  }
  expect(problems(packages, { allowScripts: { '@s/b': false, a: true } })).toEqual([
    'node_modules/a has an install script; do without it, or say false to it in allowScripts of package.json',
  ])
})

test.each(['^1.0.0', '1', '1.x', '*', 'latest', 'github:a/b'])('the version "%s" floats', version => {
  expect(problems({}, { devDependencies: { a: version } })).toEqual([
    `package.json asks for a "${version}", not for one exact version`,
  ])
})
