import { InvalidArgumentError, Option } from 'commander'
import { isUuid } from '../base/id.ts'
import type { ListedExecution } from '../execution/find.ts'
import type { Family } from './context.ts'
import { addCallback } from './execution-callback.ts'
import { addControl } from './execution-control.ts'
import { addDiff } from './execution-diff.ts'
import { addShow, styleOf } from './execution-show.ts'
import { addVerify } from './execution-verify.ts'
import { wholeNumber } from './option-values.ts'
import type { Column } from './table.ts'
import { relative, roughly } from './text.ts'

const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled', 'paused']

function executionId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('must be the whole id of an execution')
  return text
}

interface ListOptions {
  readonly workflow?: string
  readonly status?: string
  readonly before?: string
  readonly itemsOf?: string
  readonly limit: number
}

export const executionFamily: Family = (program, context) => {
  const execution = program
    .command('execution')
    .description('Executions: list, show, diff, watch, cancel, pause, resume, retry, redrive, rerun, callback, verify')

  execution
    .command('list')
    .description('List executions, the newest first')
    .option('--workflow <name>', 'only those of this workflow')
    .addOption(new Option('--status <status>', 'only those with this status').choices(STATUSES))
    .option('--before <id>', 'only those before this one: the next page', executionId)
    .option('--items-of <id>', 'those that run for the items of splits in this one, instead of all others', executionId)
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

  addShow(execution, context)
  addDiff(execution, context)

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
  addCallback(execution, context)
  addVerify(execution, context)
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
