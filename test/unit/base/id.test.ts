import { expect, test } from 'vitest'
import { countUp, createIds, deriveId, isUuid } from '../../../src/base/id.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const instant = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

test('ids are of version 7, and each is greater than those before it, however many are made within a millisecond', () => {
  const ids = createIds(() => instant)
  const made = Array.from({ length: 10_000 }, ids.next)
  expect(made.filter(id => !UUID_V7.test(id))).toEqual([])
  expect(made.filter((id, i) => id <= (made[i - 1] ?? ''))).toEqual([])
})

test('an id begins with its instant, and with a later one if the clock went back', () => {
  const times = [instant, instant - 5_000, instant + 1]
  const ids = createIds(() => times.shift() ?? 0)
  const millisecondsOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
  expect([ids.next(), ids.next(), ids.next()].map(millisecondsOf)).toEqual([instant, instant, instant + 1])
})

test('what is random about ids is random: among thousands no tail comes twice, and every variant comes', () => {
  const ids = createIds(() => instant)
  const tails = Array.from({ length: 5_000 }, () => ids.next().slice(19))
  expect(new Set(tails).size).toBe(5_000)
  expect(new Set(tails.map(tail => tail[0]))).toEqual(new Set(['8', '9', 'a', 'b']))
})

test('an id derived from another is the same for ever, a UUID, and begins as the other does', () => {
  const base = '019b7c2e-1c8e-7000-8000-000000000000'
  const derived = deriveId(base, 'turn 1')
  expect(derived).toBe(deriveId(base, 'turn 1'))
  expect(derived).not.toBe(deriveId(base, 'turn 2'))
  expect([isUuid(derived), derived.slice(0, 18)]).toEqual([true, base.slice(0, 18)])
})

test('ids in a row count up from the first, beyond what a millisecond has, and the next id is greater than all of them', () => {
  const ids = createIds(() => instant)
  for (let i = 0; i < 4_000; i++) ids.next()
  const first = ids.first(300)
  const bytes = Buffer.from(first.replaceAll('-', ''), 'hex')
  const row = [bytes.toString('hex')]
  while (row.length < 300) {
    countUp(bytes, 0)
    row.push(bytes.toString('hex'))
  }
  expect(row.filter((id, i) => id <= (row[i - 1] ?? ''))).toEqual([])
  expect(row.filter(id => id[12] !== '7' || id.slice(16) !== row[0]?.slice(16))).toEqual([])
  expect((row.at(-1) ?? '') < ids.next().replaceAll('-', '')).toBe(true)
  expect(Number.parseInt(row.at(-1)?.slice(0, 12) ?? '', 16)).toBe(instant + 1)
})

test('counting up carries through every byte of the instant', () => {
  const bytes = Buffer.from('0000ffffffff7fff8000000000000001', 'hex')
  countUp(bytes, 0)
  expect(bytes.toString('hex')).toBe('00010000000070008000000000000001')
})
