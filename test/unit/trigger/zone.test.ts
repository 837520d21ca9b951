import { expect, test } from 'vitest'
import { zoneNamed } from '../../../src/trigger/zone.ts'

const HOUR = 3_600_000

test('a stretch lies between two changes of the clocks', () => {
  expect(zoneNamed('Europe/Berlin').stretchAt(Date.parse('2026-07-01T00:00:00Z'))).toEqual({
    from: Date.parse('2026-03-29T01:00:00Z'),
    until: Date.parse('2026-10-25T01:00:00Z'),
    offset: 2 * HOUR,
    before: HOUR,
  })
})

test('stretches follow each other without a gap, whatever the year', () => {
  const zone = zoneNamed('Africa/Casablanca')
  const end = Date.UTC(2031, 0, 1)
  for (let at = Date.UTC(2026, 0, 1), offset = zone.stretchAt(at).offset; at < end; ) {
    const stretch = zone.stretchAt(at)
    expect(stretch.from).toBeLessThanOrEqual(at)
    if (stretch.from === at) expect(stretch.before).toBe(offset)
    expect(zone.stretchAt(stretch.until - 1)).toEqual(stretch)
    ;({ until: at, offset } = stretch)
  }
})

test('a stretch that reaches over a new year knows the change before it', () => {
  // Samoa gave up 30 December 2011: from 10 h behind UTC to 14 h ahead of it.
  expect(zoneNamed('Pacific/Apia').stretchAt(Date.parse('2012-01-01T00:00:00Z'))).toMatchObject({
    from: Date.parse('2011-12-30T10:00:00Z'),
    offset: 14 * HOUR,
    before: -10 * HOUR,
  })
})

test('offsets of odd quarters and of seconds are exact', () => {
  expect(zoneNamed('Asia/Kathmandu').stretchAt(Date.UTC(2026, 0, 1)).offset).toBe(5.75 * HOUR)
  expect(zoneNamed('Africa/Monrovia').stretchAt(Date.UTC(1970, 5, 1)).offset).toBe(-(44 * 60 + 30) * 1_000)
})

test.each([
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Gaza',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'UTC',
])('in years far ahead the stretches of %s are those of the rules', timezone => {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offsetText = (instant: number): string => /GMT.*$/.exec(format.format(instant))?.[0] ?? ''
  const zone = zoneNamed(timezone)
  for (const year of [2499, 2500, 2501, 2899, 2900, 4000, 9998]) {
    const end = Date.UTC(year + 1, 0, 1)
    for (let at = Date.UTC(year, 0, 1); at < end; ) {
      const { from, until, offset, before } = zone.stretchAt(at)
      expect(from).toBeLessThanOrEqual(at)
      const texts = [at, Math.floor((at + until) / 2), until - 1].map(offsetText)
      expect(new Set(texts).size).toBe(1)
      if (offset !== before) expect([offsetText(from - 1) === texts[0], offsetText(from)]).toEqual([false, texts[0]])
      if (until < end) expect(offsetText(until)).not.toBe(texts[0])
      at = until
    }
  }
})

test('the first century has years of its own', () => {
  const zone = zoneNamed('Europe/Berlin')
  for (const year of ['-000001', '0000', '0001', '0099', '0100']) {
    const at = Date.parse(`${year}-12-31T00:00Z`)
    const { from, until } = zone.stretchAt(at)
    expect([from <= at, until - at]).toEqual([true, 86_400_000])
  }
})
