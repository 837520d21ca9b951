import type { Command } from 'commander'
import type { AllApplied } from '../trigger/apply-files.ts'
import type { Family } from './context.ts'
import { addSettingOptions, documentSettings } from './settings.ts'

interface ApplyOptions {
  readonly file: string[]
  readonly prune?: boolean
  readonly dryRun?: boolean
}

export const applyFamily: Family = (program, context) => {
  const apply = program
    .command('apply')
    .description(
      'Make workflow documents (YAML or JSON) the active versions of their workflows; applying twice changes nothing',
    )
    .requiredOption('-f, --file <path...>', 'files, folders of *.yaml, *.yml and *.json, or - for standard input')
    .option('--prune', 'remove triggers that a workflow has and its document does not')
    .option('--dry-run', 'check the documents and say what would change, without changing it')
    .action(async ({ file, prune = false, dryRun = false }: ApplyOptions, _command: Command) => {
      const { readDocuments, applyAll } = await import('../trigger/apply-files.ts')
      const { withVerbs } = await import('./verbs.ts')
      const documents = await readDocuments(file, await context.nodeTypes())
      const applied = await withVerbs(context, deps => applyAll(deps, { documents, prune, dryRun }))
      context.output.rows(lines(applied), columns, 'nothing to apply')
      if (dryRun) context.output.note('dry run: nothing was changed')
    })
  addSettingOptions(apply, documentSettings)
}

interface Line {
  /** Null for what belongs to no workflow. */
  readonly workflow: string | null
  readonly version: number | null
  readonly part: string
  readonly change: string
}

function lines({ calendars, workflows }: AllApplied): Line[] {
  return [
    ...calendars.map(({ calendar, change }) => ({
      workflow: null,
      version: null,
      part: `calendar ${calendar}`,
      change,
    })),
    ...workflows.flatMap(({ workflow, version, change, triggers }) => [
      { workflow, version, part: 'workflow', change },
      ...triggers.map(trigger => ({ workflow, version, part: `trigger ${trigger.key}`, change: trigger.change })),
    ]),
  ]
}

const columns = [
  { title: 'WORKFLOW', cell: (line: Line) => line.workflow ?? '', least: 12 },
  { title: 'VERSION', cell: (line: Line) => String(line.version ?? ''), align: 'right' as const },
  { title: 'PART', cell: (line: Line) => line.part, least: 12 },
  {
    title: 'CHANGE',
    cell: (line: Line) => line.change,
    style: (line: Line) =>
      line.change === 'unchanged' || line.change === 'kept' ? ('dim' as const) : ('green' as const),
  },
]
