import type { Family } from './context.ts'
import { relative } from './text.ts'

export const calendarFamily: Family = (program, context) => {
  const calendar = program.command('calendar').description('Calendars that triggers share: list them, delete one')

  calendar
    .command('list')
    .description('List calendars, and how many triggers name each')
    .action(async () => {
      const { listCalendars } = await import('../trigger/calendars.ts')
      const { pool } = await context.connect()
      context.output.rows(
        (await listCalendars(pool)).map(({ name, description, form, updatedAt, triggerCount }) => ({
          name,
          description,
          ...form,
          trigger_count: triggerCount,
          updated_at: updatedAt,
        })),
        columns(new Date()),
        'no calendars yet; mbflow apply -f FILE adds one',
      )
    })

  calendar
    .command('delete')
    .description('Delete a calendar that no trigger names')
    .argument('<calendar>', 'its name')
    .action(async (name: string) => {
      const { deleteCalendar } = await import('../trigger/calendars.ts')
      const { pool } = await context.connect()
      await deleteCalendar(pool, name)
      context.output.one({ calendar: name, deleted: true }, () => [`${name} is deleted`])
    })
}

interface Line {
  readonly name: string
  readonly description: string | null
  readonly trigger_count: number
  readonly updated_at: Date
}

const columns = (now: Date) => [
  { title: 'CALENDAR', cell: (one: Line) => one.name, least: 12 },
  { title: 'TRIGGERS', cell: (one: Line) => String(one.trigger_count), align: 'right' as const },
  { title: 'CHANGED', cell: (one: Line) => relative(one.updated_at, now), leaves: 2 },
  { title: 'DESCRIPTION', cell: (one: Line) => one.description ?? '', least: 12, leaves: 1 },
]
