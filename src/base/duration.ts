// Durations as users write them, in configuration and documents alike: `500ms`, `90s`, `5m`, `1h30m`, `2d`, `1w`, or ISO
// 8601 `P1D`, `PT1H30M`, `PT0.5S`. Strict: what has no single meaning (a bare number, a month, a sign) is refused.

const UNITS = ['w', 'd', 'h', 'm', 's', 'ms'] as const
type Unit = (typeof UNITS)[number]

const MS: Readonly<Record<Unit, number>> = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** About a hundred years: longer ones are mistakes, and sums with any date of this era stay dates. */
const LONGEST = 36_525 * MS.d

export class DurationError extends Error {
  constructor(text: string, reason: string) {
    super(`${JSON.stringify(text)} is not a duration: ${reason}`)
    this.name = 'DurationError'
  }
}

/** Milliseconds; throws DurationError. */
export function parseDuration(text: string): number {
  const refuse = (reason: string) => new DurationError(text, reason)
  if (text.trim() === '') throw refuse('it is empty; write for example 90s or 1h30m')
  if (/\s/.test(text)) throw refuse(`it holds a blank; write ${meant(text) ?? 'for example 1h30m'}`)
  if (/^[+\-−]/.test(text)) throw refuse('it has a sign')
  const ms = /^p/i.test(text) ? parseIso(text, refuse) : parseShort(text, refuse)
  if (ms > LONGEST) throw refuse(`it is too long; the longest is ${formatDuration(LONGEST)}`)
  return ms
}

type Refuse = (reason: string) => DurationError

function parseShort(text: string, refuse: Refuse): number {
  if (/^[\d.,_]+$/.test(text)) throw refuse(`it has no unit; write ${text}s for seconds, ${text}m for minutes`)
  if (/[.,]/.test(text)) throw refuse('only whole numbers; write 1h30m for an hour and a half, 500ms for half a second')
  if (!/^(\d+[a-zµ]+)+$/i.test(text)) throw refuse('write numbers with units, for example 90s or 1h30m')
  let ms = 0
  let smallest = -1
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(\D+)/g)) {
    const rank = UNITS.indexOf(unit as Unit)
    if (/^(mo|month|months|M|y|year|years|Y)$/.test(unit)) throw refuse(NO_MONTHS)
    if (rank < 0) {
      const fix = meant(text)
      const advice = fix === undefined ? `the units are ${UNITS.join(', ')}` : `write ${fix}`
      throw refuse(`the unit ${JSON.stringify(unit)} is not known; ${advice}`)
    }
    if (rank <= smallest) throw refuse('units go from large to small, each once, for example 1h30m')
    smallest = rank
    ms += Number(count) * MS[unit as Unit]
  }
  return ms
}

/** What people call the units elsewhere. */
const NAMES: readonly (readonly [RegExp, Unit])[] = [
  [/^(w|wk|wks|week|weeks)$/i, 'w'],
  [/^(d|day|days)$/i, 'd'],
  [/^(h|hr|hrs|hour|hours)$/i, 'h'],
  [/^(m|min|mins|minute|minutes)$/, 'm'], // a capital M could be a month
  [/^(s|sec|secs|second|seconds)$/i, 's'],
  [/^(ms|msec|millis|millisecond|milliseconds)$/i, 'ms'],
]

/** The text as it should have been written, if that can be told. */
function meant(text: string): string | undefined {
  const plain = text.replace(/\s/g, '')
  const fixed = plain.replace(/(\d)([a-z]+)/gi, (whole, digit: string, name: string) => {
    const unit = NAMES.find(([form]) => form.test(name))?.[1]
    return unit === undefined ? whole : digit + unit
  })
  if (fixed === text) return undefined
  try {
    parseDuration(fixed)
    return fixed
  } catch {
    return undefined
  }
}

const NO_MONTHS = 'months and years differ in length; write days or weeks'
const ISO = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/

function parseIso(text: string, refuse: Refuse): number {
  if (/^P[^T]*\d[YM]/i.test(text)) throw refuse(NO_MONTHS)
  const parts = ISO.exec(text)
  if (!parts) throw refuse('ISO 8601 durations look like P1D, PT1H30M or PT0.5S')
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map(part => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return weeks * MS.w + days * MS.d + hours * MS.h + minutes * MS.m + Math.round(seconds * MS.s)
}

/** The shortest form `parseDuration` reads back as the same number: `1h30m`; weeks are written as days. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / MS[unit])
    rest -= count * MS[unit]
    if (count > 0) text += `${count}${unit}`
  }
  return text
}
