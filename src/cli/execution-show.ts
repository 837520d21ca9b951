// The command that shows one execution: as it is, or as it was after one of its events.
import { type Command, InvalidArgumentError } from 'commander'
import type { FailureHandler, RecordedEvent } from '../event/event.ts'
import type { ShownExecution, ShownNode } from '../execution/find.ts'
import type { CliContext } from './context.ts'
import { type Column, renderTable, type Style } from './table.ts'
import { exactly, roughly } from './text.ts'

/** An execution as it is to be shown. */
interface Look {
  readonly shown: ShownExecution
  readonly events: readonly RecordedEvent[]
  /** After which event, of how many; absent = as it is now. */
  readonly asOf?: { readonly event: number; readonly of: number; readonly at: Date }
}

export function addShow(execution: Command, context: CliContext): void {
  execution
    .command('show')
    .description('Show an execution: its nodes wave by wave, its output, its events')
    .argument('<id>', 'id, or the beginning of one')
    .option('--events', 'also the event log')
    .option('--at <event>', 'as it was after the event of this number; 0: as it was created', eventNumber)
    .action(async (id: string, { events = false, at }: { events?: boolean; at?: number }) => {
      const withEvents = events || context.output.json
      const look = at === undefined ? await lookNow(context, id, withEvents) : await lookBack(context, id, at)
      const { shown, asOf } = look
      const recorded = look.events.map(({ sequence, body, createdAt }) => ({
        sequence,
        ...body,
        created_at: createdAt,
      }))
      context.output.one({ ...shown, ...(asOf && { as_of: asOf }), events: recorded }, () => [
        ...describe(context, look),
        ...(events ? ['', 'Events', ...look.events.map(eventLine)] : []),
      ])
    })
}

function eventNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be the number of an event, or 0')
  return Number(text)
}

async function lookNow(context: CliContext, id: string, withEvents: boolean): Promise<Look> {
  const { findExecution, executionEvents } = await import('../execution/find.ts')
  const { pool } = await context.connect()
  const shown = await findExecution(pool, id)
  return { shown, events: withEvents ? await executionEvents(pool, shown.id) : [] }
}

async function lookBack(context: CliContext, id: string, at: number): Promise<Look> {
  const { replayExecution } = await import('../execution/replay.ts')
  const { createCatalog } = await import('../workflow/catalog.ts')
  const { pool } = await context.connect()
  const { shown, events, recorded } = await replayExecution({ pool, catalog: createCatalog(pool) }, { id, at })
  const happened = events.at(-1)?.createdAt ?? shown.created_at
  return { shown, events, asOf: { event: at, of: recorded, at: happened } }
}

function describe({ output }: CliContext, { shown: one, asOf }: Look): string[] {
  const now = new Date()
  const fact = (name: string, value: string): string => `${name.padEnd(10)}${value}`
  const style = styleOf(one.status)
  return [
    `${output.style('bold', one.workflow)}  ${style === undefined ? one.status : output.style(style, one.status)}`,
    fact('id', one.id),
    ...(asOf === undefined ? [] : [fact('as of', `event ${asOf.event} of ${asOf.of}, ${exactly(asOf.at, now)}`)]),
    ...(one.item_of === null ? [] : [fact('item', itemOf(one.item_of))]),
    fact('version', String(one.version)),
    ...(one.trigger === null ? [] : [fact('trigger', one.trigger)]),
    ...(one.scheduled_for === null ? [] : [fact('slot', exactly(one.scheduled_for, now))]),
    fact('created', exactly(one.created_at, now)),
    ...(one.priority === 0 ? [] : [fact('priority', String(one.priority))]),
    ...(one.started_at !== null && one.completed_at !== null
      ? [fact('took', roughly(one.completed_at.getTime() - one.started_at.getTime()))]
      : []),
    ...(one.parked_reason === null
      ? []
      : [fact('parked', `${parkedFor(one, now)}${one.wake_at === null ? '' : ` until ${exactly(one.wake_at, now)}`}`)]),
    ...(one.error === null ? [] : [fact('error', one.error)]),
    ...(one.failure_handler === null ? [] : [fact('handler', handlerText(one.failure_handler))]),
    fact('input', JSON.stringify(one.input)),
    fact('output', JSON.stringify(one.output)),
    '',
    ...renderTable(one.nodes, nodeColumns, { width: output.width, style: output.style }),
  ]
}

function handlerText(handler: FailureHandler): string {
  return 'problem' in handler
    ? `none: ${handler.workflow}: ${handler.problem}`
    : `${handler.workflow}, ${handler.execution_id}`
}

function parkedFor({ parked_reason, limit_key, rate_key, line, pool }: ShownExecution, now: Date): string {
  const before = line === null ? '' : `, ${line.ahead} before it`
  switch (parked_reason) {
    case 'pool':
      return `for a worker that serves the pool ${pool}`
    case 'limit':
      return `for a place under the limit of ${limit_key}${before}`
    case 'rate': {
      const next = line?.next_at ? `; the next begins at ${exactly(new Date(line.next_at), now)}` : ''
      return `for its time under the rate of ${rate_key}${before}${next}`
    }
    default:
      return `${parked_reason}`
  }
}

const nodeColumns: Column<ShownNode>[] = [
  { title: 'WAVE', cell: node => String(node.wave), align: 'right' },
  { title: 'NODE', cell: node => node.key, least: 12 },
  { title: 'TYPE', cell: node => node.type, leaves: 3 },
  { title: 'STATUS', cell: node => node.status, style: node => styleOf(node.status) },
  { title: 'TOOK', cell: tookOf, align: 'right', leaves: 2 },
  {
    title: 'ATTEMPTS',
    cell: node => (node.started_at === null ? '' : String(node.retry_count + 1)),
    align: 'right',
    leaves: 1,
  },
  { title: 'RESULT', cell: resultOf, least: 12 },
]

function itemOf({ execution_id, node, index }: NonNullable<ShownExecution['item_of']>): string {
  return `${index} of ${node} in ${execution_id}`
}

function resultOf({ error, output, items, completed_at }: ShownNode): string {
  if (error !== null) return error
  if (items === null || completed_at !== null) return output === null ? '' : JSON.stringify(output)
  return `${items.completed} of ${items.total} items, ${items.open} under way, ${items.failed} failed`
}

function tookOf({ started_at, completed_at }: ShownNode): string {
  if (started_at === null || completed_at === null) return ''
  return roughly(new Date(completed_at).getTime() - new Date(started_at).getTime())
}

function eventLine({ sequence, body, createdAt }: RecordedEvent): string {
  return `  ${String(sequence).padStart(4)}  ${createdAt.toISOString()}  ${body.type}  ${JSON.stringify(body.payload)}`
}

export function styleOf(status: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    completed: 'green',
    failed: 'red',
    cancelled: 'yellow',
    paused: 'yellow',
    running: 'cyan',
  }
  return styles[status]
}
