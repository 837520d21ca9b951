import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isReservedType, matchesType, patternProblem } from '../../../src/trigger/event-pattern.ts'

test.each([
  ['order.paid', 'order.paid'],
  ['order.*', 'order.paid'],
  ['*.paid', 'order.paid'],
  ['*', 'paid'],
  ['**', 'paid'],
  ['**', 'order.line.added'],
  ['order.**', 'order.line.added'],
  ['**.added', 'order.line.added'],
  ['order.**.added', 'order.line.item.added'],
  ['a.**.b.**.c', 'a.b.b.c.b.b.c'],
  ['mbflow.execution.failed', 'mbflow.execution.failed'],
  ['mbflow.**', 'mbflow.execution.failed'],
])('%s stands for %s', (pattern, type) => {
  expect(matchesType(pattern, type)).toBe(true)
})

test.each([
  ['order.paid', 'order.Paid'],
  ['order.paid', 'order.paid.twice'],
  ['order', 'order.paid'],
  ['order.*', 'order'],
  ['order.*', 'order.line.added'],
  ['order.**', 'order'],
  ['**.added', 'added'],
  ['order.**.added', 'order.added'],
  ['*', ''],
  ['order.*', 'order.'],
  ['**', 'mbflow.execution.failed'],
  ['*.execution.failed', 'mbflow.execution.failed'],
  ['**.failed', 'mbflow.execution.failed'],
])('%s does not stand for %s', (pattern, type) => {
  expect(matchesType(pattern, type)).toBe(false)
})

const word = fc.constantFrom('a', 'b', 'c')
const pattern = fc.array(fc.oneof({ weight: 3, arbitrary: word }, fc.constantFrom('*', '**')), {
  minLength: 1,
  maxLength: 7,
})
const type = fc.array(word, { minLength: 1, maxLength: 9 })

test('a pattern stands for exactly what the regular expression it spells stands for', () => {
  fc.assert(
    fc.property(pattern, type, (words, given) => {
      const spelt = words.map(one => (one === '*' ? '[a-c]' : one === '**' ? '[a-c](\\.[a-c])*' : one)).join('\\.')
      expect(matchesType(words.join('.'), given.join('.'))).toBe(new RegExp(`^${spelt}$`).test(given.join('.')))
    }),
    { numRuns: 2_000 },
  )
})

test('a pattern of many stars is told from what it does not stand for at once', () => {
  expect(matchesType('**.x.'.repeat(40).slice(0, -1), 'x.'.repeat(120).concat('y'))).toBe(false)
})

test.each([
  ['', 'has an empty word'],
  ['order..paid', 'has an empty word'],
  ['order.', 'has an empty word'],
  ['ord*', 'has a star within a word'],
  ['order.***', 'has a star within a word'],
  ['order paid', 'has a blank in it'],
  ['x'.repeat(256), 'has more than 255 bytes'],
])('%j is no pattern: it %s', (text, problem) => {
  expect(patternProblem(text)).toContain(problem)
})

test('only types that begin with mbflow. are reserved', () => {
  expect(['mbflow.x', 'mbflow', 'mbflowers.sold'].map(isReservedType)).toEqual([true, false, false])
})
