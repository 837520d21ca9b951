// docs/plugins.md says what plug-ins can be and get.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as example from '../../../examples/plugins/notify.ts'
import { pluginProblem } from '../../../src/node/plugin-check.ts'
import * as entry from '../../../src/plugin.ts'
import { nodeContext } from '../../support/node-context.ts'
import { ROOT, readPage } from './pages.ts'

const page = readPage('docs/plugins.md')
const words = (heading: string, table: number): string[] =>
  (page.tables.filter(one => one.heading === heading)[table]?.rows ?? []).flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word),
  )

test('the example of the page is the one that is tested', () => {
  const source = readFileSync(`${ROOT}examples/plugins/notify.ts`, 'utf8')
  expect(page.blocks.find(({ info }) => info === 'ts notify')?.text).toBe(source.trimEnd())
})

test('the page lists all that the entry holds at run time', () => {
  const types = ['Static']
  expect(words('Write one', 0).sort()).toEqual([...Object.keys(entry), ...types].sort())
})

test('the page lists every field a type may have', () => {
  const [type] = Object.values(example)
  const { hint } = pluginProblem({ ...type, surprise: 1 }) ?? {}
  expect(hint).toBe(`there are: ${words('What it gets, what it owes', 0).join(', ')}`)
})

test('the page lists all that an attempt is given', () => {
  expect(words('What it gets, what it owes', 1).sort()).toEqual(Object.keys(nodeContext()).sort())
})
