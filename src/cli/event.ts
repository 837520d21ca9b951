import { MbflowError } from '../base/errors.ts'
import type { ListedEvent } from '../inbox/find.ts'
import type { CliContext, Family } from './context.ts'
import { parseJson, wholeNumberTo } from './option-values.ts'
import { relative } from './text.ts'

interface EmitOptions {
  readonly data?: string
  readonly source: string
  readonly id?: string
  readonly subject?: string
}

interface ListOptions {
  readonly type?: string
  readonly pending?: boolean
  readonly limit: number
}

export const eventFamily: Family = (program, context) => {
  const event = program.command('event').description('Events: tell one, see what became of them')

  event
    .command('emit')
    .description('Tell an event; the triggers that name its type fire')
    .argument('<type>', 'its type, such as order.paid')
    .option('--data <json>', 'what happened')
    .option('--source <text>', 'where it happened', '/cli')
    .option('--id <text>', 'which one it is: the same source and id twice are one event')
    .option('--subject <text>', 'what it is about')
    .action((type: string, options: EmitOptions) => emit(context, type, options))

  event
    .command('list')
    .description('List events, the latest first, with what became of each')
    .option('--type <type>', 'only those of this type')
    .option('--pending', 'only those that no scheduler has taken out yet')
    .option('--limit <number>', 'how many at most', wholeNumberTo(1_000), 20)
    .action(async ({ type, pending = false, limit }: ListOptions) => {
      const { listEvents } = await import('../inbox/find.ts')
      const { pool } = await context.connect()
      const events = await listEvents(pool, { type, pending, limit })
      context.output.rows(events.map(lineOf), columns(new Date()), 'no events')
    })
}

async function emit(context: CliContext, type: string, { data, source, id, subject }: EmitOptions): Promise<void> {
  const { randomUUID } = await import('node:crypto')
  const { acceptEvents } = await import('../inbox/accept.ts')
  const { notify } = await import('../db/listener.ts')
  const { readCloudEvent } = await import('../inbox/cloud-event.ts')
  const read = readCloudEvent({
    specversion: '1.0',
    type,
    source,
    id: id ?? randomUUID(),
    time: new Date().toISOString(),
    ...(subject !== undefined && { subject }),
    data: data === undefined ? null : parseJson('--data', data),
  })
  if ('problems' in read) throw new MbflowError('EVENT_INVALID', 'this is no event', { problems: read.problems })
  const { pool } = await context.connect()
  const [accepted] = await acceptEvents(pool, [read.event])
  await notify(pool, 'events')
  context.output.one({ ...accepted }, () => [
    accepted?.duplicate
      ? `told before: ${accepted.source} ${accepted.id}`
      : `told ${type} as ${accepted?.source} ${accepted?.id}`,
  ])
}

const lineOf = ({
  id,
  source,
  externalId,
  type,
  attributes,
  data,
  faults,
  receivedAt,
  processedAt,
  fires,
}: ListedEvent) => ({
  id: externalId,
  source,
  type,
  ...attributes,
  data,
  inbound_id: id,
  received_at: receivedAt,
  processed_at: processedAt,
  fires,
  faults,
})

type Line = ReturnType<typeof lineOf>

function fateOf({ processed_at, fires, faults }: Line): string {
  if (processed_at === null) return 'waits'
  if (fires.length === 0) return 'no trigger wanted it'
  const said = new Map((faults ?? []).map(one => [one.trigger, one.message]))
  return fires
    .map(({ trigger, disposition, reason }) => {
      const why = said.get(trigger) ?? reason
      return `${trigger} ${disposition}${why === null ? '' : ` (${why})`}`
    })
    .join(', ')
}

const columns = (now: Date) => [
  { title: 'TYPE', cell: (one: Line) => one.type, least: 12 },
  { title: 'SOURCE', cell: (one: Line) => one.source, least: 8, leaves: 2 },
  { title: 'ID', cell: (one: Line) => one.id, least: 8, leaves: 3 },
  { title: 'RECEIVED', cell: (one: Line) => relative(one.received_at, now), leaves: 1 },
  { title: 'WHAT BECAME OF IT', cell: fateOf, least: 16 },
]
