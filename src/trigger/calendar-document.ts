// The document of a calendar that triggers share.
import { type Static, Type } from 'typebox'
import type { Problem } from '../base/errors.ts'
import { checkStorable } from '../base/json-limits.ts'
import { checkSchema } from '../base/schema.ts'
import { CalendarForm, CalendarName, checkCalendar } from './calendar.ts'

export const CalendarDocument = Type.Object(
  {
    kind: Type.Literal('calendar'),
    name: CalendarName,
    description: Type.Optional(Type.String()),
    ...CalendarForm.properties,
  },
  { additionalProperties: false },
)

export interface SharedCalendar {
  readonly name: string
  readonly description: string | null
  readonly form: CalendarForm
}

export interface CalendarValidation {
  /** There when nothing is wrong. */
  readonly calendar?: SharedCalendar
  readonly problems: readonly Problem[]
}

export function validateCalendar(raw: unknown): CalendarValidation {
  const unstorable = checkStorable(raw)
  if (unstorable !== null) return { problems: [{ path: '', message: unstorable }] }
  const problems = checkSchema(CalendarDocument, raw, '')
  if (problems.length > 0) return { problems }
  const { kind: _, name, description = null, ...form } = raw as Static<typeof CalendarDocument>
  const beyond = checkCalendar(form)
  return beyond.length === 0 ? { calendar: { name, description, form }, problems: [] } : { problems: beyond }
}
