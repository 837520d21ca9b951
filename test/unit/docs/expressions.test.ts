// docs/expressions.md: what can be named where.
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { check } from '../../../src/trigger/apply-files.ts'
import { readPage } from './pages.ts'

const { tables } = readPage('docs/expressions.md')
const [ofNames, ofPlaces] = tables.filter(({ heading }) => heading === 'Scope').map(({ rows }) => rows)
const names = (ofNames ?? []).map(([name = '']) => name.replaceAll('`', ''))

const node = (key: string, config: JsonObject = {}): JsonObject => ({ key, type: 'transform', config })
const trigger = (type: string, config: JsonObject): JsonObject => ({ triggers: [{ key: 't', type, config }] })
/** Documents that hold the expression at each of the places. */
const places: { readonly [where: string]: (expression: string) => JsonObject[] } = {
  'the config of a node': expression => [
    { nodes: [node('a', { expression })] },
    { nodes: [node('a', { template: { deep: [`{{ ${expression} }}`] } })] },
  ],
  'when of an edge': expression => [
    { nodes: [node('a'), node('b')], edges: [{ from: 'a', to: 'b', when: expression }] },
  ],
  'input of a trigger': expression => [trigger('manual', { input: { it: `{{ ${expression} }}` } })],
  'settings.concurrency.key': expression => [{ settings: { concurrency: { max: 1, key: expression } } }],
  'filter, group_by of a trigger': expression => [
    trigger('event', { event: 'a', filter: expression }),
    trigger('event', { event: 'a', group_by: expression, debounce: { quiet: '1s' } }),
  ],
}

test('the page tells of each place', () => {
  expect((ofPlaces ?? []).map(([where = '']) => where.replaceAll('`', ''))).toEqual(Object.keys(places))
})

test.each(ofPlaces ?? [])('%s can name %s, and nothing else', (where, can) => {
  for (const document of places[where?.replaceAll('`', '') ?? '']?.('"no name"') ?? [])
    expect(taken(document)).toBe(true)
  const nameable = names.filter(name => places[where?.replaceAll('`', '') ?? '']?.(name).every(taken))
  expect(nameable.sort()).toEqual([...(can ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name).sort())
})

function taken(document: JsonObject): boolean {
  return check(JSON.stringify({ name: 'x', nodes: [node('a')], ...document })).problems.length === 0
}
