// The contract suite over plug-ins: those of the examples, or the one that `npm run test:plugin` names.
import { existsSync, globSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { withPlugins } from '../../src/node/plugins.ts'
import { nodeTypes } from '../../src/node/registry.ts'
import { type Fixtures, nodeTypeSuite } from './node-type-suite.ts'

const EXAMPLES = new URL('../../examples/plugins/', import.meta.url).pathname
const named = process.env.MBFLOW_TEST_PLUGIN
const files = named === undefined ? globSync(`${EXAMPLES}*.ts`).filter(file => !file.endsWith('.fixtures.ts')) : [named]

for (const file of files) {
  const types = [...(await withPlugins([file])).values()].filter(({ type }) => !nodeTypes.has(type))
  const fixtures = await fixturesOf(file)

  test(`${basename(file)} has fixtures for each of its types`, () => {
    expect(Object.keys(fixtures).sort()).toEqual(types.map(({ type }) => type).sort())
  })

  for (const type of types) {
    const given = fixtures[type.type]
    if (given !== undefined) nodeTypeSuite(type, given)
  }
}

async function fixturesOf(file: string): Promise<Fixtures> {
  const beside = file.replace(/(\.\w+)$/, '.fixtures$1')
  if (!existsSync(beside)) throw new Error(`there is no ${beside}: it exports the fixtures of ${file}, by type`)
  return ((await import(beside)) as { readonly fixtures: Fixtures }).fixtures
}
