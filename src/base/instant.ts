// Instants and local times as people write them: ISO 8601, to the minute or finer. An instant names its offset from UTC;
// a local time names none, and means what the clock of some place shows.
import { type TString, Type } from 'typebox'

/** A local time as epoch milliseconds would be if local time were UTC. */
export type Local = number

const FORM = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?$/

/** Epoch milliseconds; undefined for what is not an instant, such as a local time or a 30 February. */
export function parseInstant(text: string): number | undefined {
  const [, date = '', , offset] = FORM.exec(text) ?? []
  return offset === undefined ? undefined : read(date, text)
}

export function parseLocal(text: string): Local | undefined {
  const [, date = '', time, offset] = FORM.exec(text) ?? []
  return time === undefined || offset !== undefined ? undefined : read(date, `${text}Z`)
}

/** By itself `Date.parse` takes 30 February for 2 March. */
function read(date: string, text: string): number | undefined {
  const instant = Date.parse(text)
  if (Number.isNaN(instant)) return undefined
  return new Date(`${date}T00:00Z`).toISOString().startsWith(date) ? instant : undefined
}

let lastWritten = Number.NaN
let lastText = ''

/** In UTC, to the millisecond. The last one is kept: of rows that belong together most instants are the same. */
export function writeInstant(instant: Date | number): string {
  const ms = Number(instant)
  if (ms !== lastWritten) {
    lastText = new Date(ms).toISOString()
    lastWritten = ms
  }
  return lastText
}

/** The schema of an instant written as text. */
export function InstantText(description: string): TString {
  return Type.Refine(
    Type.String({ description, form: 'instant' }),
    text => typeof text !== 'string' || parseInstant(text) !== undefined,
    text =>
      `${JSON.stringify(text)} is not an instant; write it with its offset from UTC, such as 2026-11-22T16:30:00Z`,
  )
}
