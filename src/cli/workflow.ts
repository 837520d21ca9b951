import type { WorkflowSummary } from '../workflow/workflow.ts'
import type { Family } from './context.ts'
import { wholeNumber } from './option-values.ts'
import { relative } from './text.ts'

interface ListOptions {
  readonly limit: number
}
interface ShowOptions {
  readonly workflowVersion?: number
  readonly document?: boolean
}

export const workflowFamily: Family = (program, context) => {
  const workflow = program.command('workflow').description('Workflows: list them, show one with its waves')

  workflow
    .command('list')
    .description('List workflows, one line per name')
    .option('--limit <n>', 'how many at most', wholeNumber, 200)
    .action(async ({ limit }: ListOptions) => {
      const { listWorkflows } = await import('../workflow/find.ts')
      const { pool } = await context.connect()
      const { items, next } = await listWorkflows(pool, { limit })
      context.output.rows(items, columns, 'no workflows yet; mbflow apply -f FILE adds one')
      if (next !== null) context.output.note(`the first ${limit} are shown; --limit shows more`)
    })

  workflow
    .command('show')
    .description('Show a workflow: its waves as a drawing, its triggers')
    .argument('<workflow>', 'name, or id of a version')
    .option('--workflow-version <n>', 'which version; default: the active one', wholeNumber)
    .option('--document', 'print it as the YAML document that apply takes')
    .action(async (name: string, { workflowVersion, document }: ShowOptions) => {
      const { findWorkflow } = await import('../workflow/find.ts')
      const { compilePlan } = await import('../workflow/waves.ts')
      const { drawWaves } = await import('../workflow/draw.ts')
      const { formOf } = await import('../workflow/form.ts')
      const { printDocument } = await import('../workflow/document.ts')
      const { listTriggers } = await import('../trigger/find.ts')
      const { pool } = await context.connect()
      const found = await findWorkflow(pool, {
        workflow: name,
        ...(workflowVersion === undefined ? {} : { version: workflowVersion }),
      })
      // Triggers belong to the name; they run the active version.
      const triggers = found.status === 'active' ? await listTriggers(pool, found.name) : []
      // Whether a trigger is on is left out unless it is off: applied again, the document leaves it to the operator.
      const form = formOf(
        found,
        triggers.map(({ enabled, ...rest }) => (enabled ? rest : { ...rest, enabled })),
      )
      context.output.one({ id: found.id, version: found.version, status: found.status, ...form }, () => {
        if (document) return printDocument(form).trimEnd().split('\n')
        const head = `${context.output.style('bold', found.name)}  version ${found.version}, ${found.status}`
        const description = found.description === null ? [] : [found.description]
        const lines = triggers.map(
          ({ key, type, enabled, nextFireAt }) =>
            `  ${key}  ${type}${enabled ? '' : ', disabled'}${nextFireAt === null ? '' : `, next ${relative(nextFireAt, new Date())}`}`,
        )
        return [
          head,
          ...description,
          '',
          ...drawWaves(compilePlan(found)).split('\n'),
          ...(lines.length > 0 ? ['', 'Triggers', ...lines] : []),
        ]
      })
    })
}

const columns = [
  { title: 'WORKFLOW', cell: (one: WorkflowSummary) => one.name, least: 16 },
  { title: 'VERSION', cell: (one: WorkflowSummary) => String(one.version), align: 'right' as const },
  { title: 'STATUS', cell: (one: WorkflowSummary) => one.status },
  { title: 'NODES', cell: (one: WorkflowSummary) => String(one.node_count), align: 'right' as const, leaves: 2 },
  { title: 'TRIGGERS', cell: (one: WorkflowSummary) => String(one.trigger_count), align: 'right' as const, leaves: 3 },
  { title: 'DESCRIPTION', cell: (one: WorkflowSummary) => one.description ?? '', least: 12, leaves: 4 },
]
