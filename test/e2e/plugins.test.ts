// Node types from outside, in real processes: where the plug-in lies, and what is said when something is wrong with it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { runMbflow, startMbflow } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

const folder = await makeFolder()
afterAll(() => folder.remove())
const place = (name: string): string => join(folder.root, name)
const plugin = (name: string, type: string): string => `
import { defineNodeType, type Static, Type } from 'mbflow/plugin'
import { twice } from './twice.ts'
const configSchema = Type.Object({ n: Type.Number({ description: 'A number.' }) }, { additionalProperties: false })
export const ${name} = defineNodeType<Static<typeof configSchema>>({
  type: '${type}', summary: 'Doubles a number.', configSchema, expressions: [],
  execute: async ({ n }) => ({ kind: 'completed', output: twice(n) }),
})
`

beforeAll(async () => {
  await writeFile(place('twice.ts'), 'export const twice = (n: number): number => 2 * n\n')
  await writeFile(place('double.ts'), plugin('double', 'acme/double'))
  await writeFile(place('again.ts'), plugin('again', 'acme/double'))
  await writeFile(place('nameless.ts'), plugin('nameless', 'double'))
  await writeFile(place('empty.ts'), 'export const nothing = 1\n')
  await writeFile(place('broken.ts'), 'export const broken = (\n')
  await writeFile(place('lost.ts'), "import 'a-package-that-is-not-there'\n")
  const node = { key: 'double', type: 'acme/double', config: { n: '{{ input.n }}' } }
  const trigger = { key: 'now', type: 'manual', config: { input: { n: 21 } } }
  await writeFile(place('doubling.json'), JSON.stringify({ name: 'doubling', nodes: [node], triggers: [trigger] }))
})

test('a plug-in anywhere on the disk gives its type to documents and to the daemon', { timeout: 60_000 }, async () => {
  const { url } = await createTestDatabase()
  const options = { cwd: folder.root, env: { DATABASE_URL: url, PORT: '0', MBFLOW_LOG_FORMAT: 'json' } }
  const applied = await runMbflow(['apply', '-f', 'doubling.json', '--plugin', './double.ts'], options)
  expect([applied.code, applied.stderr]).toEqual([0, ''])
  const daemon = startMbflow(['start', '--plugin', './double.ts'], options)
  await daemon.line(/is running/)
  const fired = await runMbflow(['trigger', 'fire', 'doubling/now', '--wait', '--json'], options)
  expect([fired.code, fired.stderr]).toEqual([0, ''])
  expect(fired.stdout).toContain('42')
})

test('without it a document that uses it is refused, with what to do', async () => {
  const { url } = await createTestDatabase()
  const { code, stderr } = await runMbflow(['apply', '-f', 'doubling.json'], {
    cwd: folder.root,
    env: { DATABASE_URL: url },
  })
  expect(code).toBe(1)
  expect(stderr).toContain('there is no node type "acme/double"')
  expect(stderr).toContain('--plugin FILE')
})

test.each([
  [['./missing.ts'], 'the plug-in ./missing.ts: there is no such file', 'looked for '],
  [['.'], 'the plug-in .: it is a folder', 'name the file'],
  [['./broken.ts'], 'the plug-in ./broken.ts: it cannot be loaded: ', 'it is loaded by Node as it is'],
  [['./lost.ts'], 'the plug-in ./lost.ts: it cannot be loaded: Cannot find package', 'it is loaded by Node as it is'],
  [['./empty.ts'], 'the plug-in ./empty.ts: it exports no node type', 'write: import'],
  [['./nameless.ts'], 'the plug-in ./nameless.ts: its `type` is "double"', 'it must be vendor/name'],
  [['./double.ts', './again.ts'], 'the plug-in ./again.ts: "acme/double" is in ./double.ts already', 'name each'],
])('%j ends the command before anything is done', async (files, message, hint) => {
  const env = { MBFLOW_PLUGINS: files.join(','), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere' }
  const { code, stdout, stderr } = await runMbflow(['start'], { cwd: folder.root, env })
  expect([code, stdout]).toEqual([78, ''])
  expect(stderr.split('\n')).toEqual([
    expect.stringContaining(`error: ${message}`),
    expect.stringContaining(`hint: ${hint}`),
    '',
  ])
})
