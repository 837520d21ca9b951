import { InvalidArgumentError, Option } from 'commander'
import { isUuid } from '../base/id.ts'
import type { RecordedEvent } from '../event/event.ts'
import type { ListedExecution, ShownExecution, ShownNode } from '../execution/find.ts'
import type { CliContext, Family } from './context.ts'
import { addControl } from './execution-control.ts'
import { addVerify } from './execution-verify.ts'
import { type Column, renderTable, type Style } from './table.ts'
import { exactly, relative, roughly } from './text.ts'
import { wholeNumber } from './workflow.ts'

const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled', 'paused']

function executionId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('must be the whole id of an execution')
  return text
}

interface ListOptions {
  readonly workflow?: string
  readonly status?: string
  readonly before?: string
  readonly limit: number
}

export const executionFamily: Family = (program, context) => {
  const execution = program
    .command('execution')
    .description('Executions: list, show, watch, cancel, pause, resume, retry, redrive, rerun, verify')

  execution
    .command('list')
    .description('List executions, the newest first')
    .option('--workflow <name>', 'only those of this workflow')
    .addOption(new Option('--status <status>', 'only those with this status').choices(STATUSES))
    .option('--before <id>', 'only those before this one: the next page', executionId)
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .action(async (filter: ListOptions) => {
      const { listExecutions } = await import('../execution/find.ts')
      const { pool } = await context.connect()
      if (filter.workflow !== undefined) {
        const { findWorkflow } = await import('../workflow/find.ts')
        await findWorkflow(pool, { workflow: filter.workflow }) // a misspelt name is not an empty list
      }
      context.output.rows(await listExecutions(pool, filter), columns(new Date()), 'no executions')
    })

  execution
    .command('show')
    .description('Show an execution: its nodes wave by wave, its output, its events')
    .argument('<id>', 'id, or the beginning of one')
    .option('--events', 'also the event log')
    .action(async (id: string, { events }: { events?: boolean }) => {
      const { findExecution, executionEvents } = await import('../execution/find.ts')
      const { pool } = await context.connect()
      const found = await findExecution(pool, id)
      const recorded = events || context.output.json ? await executionEvents(pool, found.id) : []
      context.output.one(
        {
          ...found,
          events: recorded.map(({ sequence, body, createdAt }) => ({ sequence, ...body, created_at: createdAt })),
        },
        () => [...describe(context, found), ...(events ? ['', 'Events', ...recorded.map(eventLine)] : [])],
      )
    })

  execution
    .command('watch')
    .description('Follow one execution until it is over, or all of them until interrupted')
    .argument('[id]', 'id, or the beginning of one')
    .option('--workflow <name>', 'only those of this workflow')
    .action(async (id: string | undefined, options: { workflow?: string }) => {
      const { watchExecution, watchExecutions } = await import('./watch.ts')
      return id === undefined ? watchExecutions(context, options) : watchExecution(context, id)
    })

  addControl(execution, context, STATUSES)
  addVerify(execution, context)
}

function describe({ output }: CliContext, one: ShownExecution): string[] {
  const now = new Date()
  const fact = (name: string, value: string): string => `${name.padEnd(10)}${value}`
  const style = styleOf(one.status)
  return [
    `${output.style('bold', one.workflow)}  ${style === undefined ? one.status : output.style(style, one.status)}`,
    fact('id', one.id),
    fact('version', String(one.version)),
    ...(one.trigger === null ? [] : [fact('trigger', one.trigger)]),
    ...(one.scheduled_for === null ? [] : [fact('slot', exactly(one.scheduled_for, now))]),
    fact('created', exactly(one.created_at, now)),
    ...(one.started_at !== null && one.completed_at !== null
      ? [fact('took', roughly(one.completed_at.getTime() - one.started_at.getTime()))]
      : []),
    ...(one.parked_reason === null
      ? []
      : [fact('parked', `${one.parked_reason}${one.wake_at === null ? '' : ` until ${exactly(one.wake_at, now)}`}`)]),
    ...(one.error === null ? [] : [fact('error', one.error)]),
    fact('input', JSON.stringify(one.input)),
    fact('output', JSON.stringify(one.output)),
    '',
    ...renderTable(one.nodes, nodeColumns, { width: output.width, style: output.style }),
  ]
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
  { title: 'RESULT', cell: node => node.error ?? (node.output === null ? '' : JSON.stringify(node.output)), least: 12 },
]

function tookOf({ started_at, completed_at }: ShownNode): string {
  if (started_at === null || completed_at === null) return ''
  return roughly(new Date(completed_at).getTime() - new Date(started_at).getTime())
}

function eventLine({ sequence, body, createdAt }: RecordedEvent): string {
  return `  ${String(sequence).padStart(4)}  ${createdAt.toISOString()}  ${body.type}  ${JSON.stringify(body.payload)}`
}

function styleOf(status: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    completed: 'green',
    failed: 'red',
    cancelled: 'yellow',
    paused: 'yellow',
    running: 'cyan',
  }
  return styles[status]
}

const columns = (now: Date): Column<ListedExecution>[] => [
  { title: 'ID', cell: one => one.id },
  { title: 'WORKFLOW', cell: one => one.workflow, least: 12 },
  { title: 'TRIGGER', cell: one => one.trigger ?? '', least: 8, leaves: 4 },
  { title: 'STATUS', cell: one => one.status, style: one => styleOf(one.status) },
  { title: 'CREATED', cell: one => relative(one.created_at, now), leaves: 3 },
  {
    title: 'TOOK',
    cell: one =>
      one.started_at !== null && one.completed_at !== null
        ? roughly(one.completed_at.getTime() - one.started_at.getTime())
        : '',
    leaves: 2,
  },
  { title: 'ERROR', cell: one => one.error ?? '', least: 8, leaves: 1 },
]
