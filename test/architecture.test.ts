// The boundaries of the house, checked on the real sources. The rules themselves, as data: architecture/house.ts.
import { expect, test } from 'vitest'
import { house } from './architecture/house.ts'
import { rules } from './architecture/rules.ts'
import { readModules, readSources } from './architecture/source.ts'

const modules = readModules(readSources())

test('there is something to examine', () => {
  expect(modules.length).toBeGreaterThan(20)
})

test.each(Object.keys(rules))('%s', name => {
  expect(rules[name]?.(modules, house)).toEqual([])
})
