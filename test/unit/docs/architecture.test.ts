// docs/architecture.md shows the house as it is, and its example is a node type that keeps the contract.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { house } from '../../architecture/house.ts'
import { rules } from '../../architecture/rules.ts'
import { type NodeTypeFixtures, nodeTypeSuite } from '../../contract/node-type-suite.ts'
import { assert } from './assert.ts'
import { ROOT, readPage } from './pages.ts'

const page = readPage('docs/architecture.md')
const blockOf = (info: string): string => page.blocks.find(block => block.info === info)?.text ?? ''
const tree = blockOf('').split('\n')

test('the tree of the house lists the slices of src, lowest first, and no other', () => {
  const slices = tree.flatMap(line => line.match(/(?<=^ {2})[\w.]+(?=\/? )/)?.[0] ?? [])
  const present = readdirSync(`${ROOT}src`)
  const layered = house.layers.split(/[<,]/).map(slice => slice.trim())
  const files = layered.map(slice => (present.includes(`${slice}.ts`) ? `${slice}.ts` : slice))
  expect(slices).toEqual(files.filter(slice => present.includes(slice)))
  expect([...slices].sort()).toEqual(present.sort())
})

test('the tree names every folder of the project', () => {
  const folders = tree.flatMap(line => line.match(/^\w+(?=\/)/)?.[0] ?? [])
  const present = readdirSync(ROOT, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const ours = present.map(({ name }) => name).filter(name => !name.startsWith('.') && name !== 'node_modules')
  expect(folders.sort()).toEqual(ours.sort())
})

test('every rule of the architecture test is listed in its words', () => {
  const text = readFileSync(`${ROOT}docs/architecture.md`, 'utf8')
  expect(Object.keys(rules).filter(rule => !text.includes(`- ${rule}\n`))).toEqual([])
})

test('the example type is the one that is tested here', () => {
  const source = readFileSync(new URL('./assert.ts', import.meta.url), 'utf8')
  expect(blockOf('ts example')).toBe(source.trimEnd().replace('../../../src/node/', '../'))
})

const fixtures: NodeTypeFixtures = {
  completes: [{ name: 'what holds', config: { condition: 'input.total < 100' }, context: { input: { total: 20 } } }],
  fails: [
    {
      name: 'what does not hold',
      config: { condition: 'input.total < 100' },
      context: { input: {} },
      code: 'ASSERTION_FAILED',
    },
  ],
}

test('the fixtures of the example are those it is tested with', () => {
  const plain = (text: string): string => text.replace(/,?\s+|,(?=[\]}])/g, '')
  const source = readFileSync(new URL(import.meta.url), 'utf8')
  const [, body = ''] = /^'acme\/assert': \{(.*)\},$/s.exec(blockOf('ts fixtures')) ?? []
  expect(plain(source)).toContain(plain(body))
})

nodeTypeSuite(assert, fixtures)
