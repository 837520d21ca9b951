// The commands that ask something of executions: those named, or with --all those that a filter finds, once their number
// was shown and confirmed.
import { type Command, Option } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { Command as Asked, Commanded, Verb } from '../execution/control.ts'
import type { Selection } from '../execution/find.ts'
import type { CliContext } from './context.ts'
import { parseJson } from './option-values.ts'
import type { Column } from './table.ts'
import { userName } from './user.ts'

interface ControlOptions {
  readonly all?: true
  readonly yes?: true
  readonly status?: Selection['statuses'][number]
  readonly workflow?: string
  readonly trigger?: string
  readonly since?: string
  readonly until?: string
  readonly reason?: string
  readonly from?: string
  readonly input?: string
}

const verbs: Readonly<Record<Verb, string>> = {
  cancel: 'Cancel executions: what runs is aborted, what has not begun is skipped',
  pause: 'Pause executions: what runs may end, nothing else begins',
  resume: 'Let paused executions go on',
  retry: 'Retry executions that failed or were cancelled; what has completed does not run again',
  redrive: 'Give executions that lost every worker that took them to workers again',
  rerun: 'Rerun executions that are over from a node on, with all that depends on it',
}

export function addControl(execution: Command, context: CliContext, statuses: readonly string[]): void {
  for (const [verb, description] of Object.entries(verbs) as [Verb, string][]) {
    const command = execution
      .command(verb)
      .description(description)
      .argument('[id...]', 'ids, or beginnings of ids')
      .option('--all', 'all executions that it is for, or those the following options leave')
      .addOption(new Option('--status <status>', 'with --all: only those with this status').choices(statuses))
      .option('--workflow <name>', 'with --all: only those of this workflow')
      .option('--trigger <trigger>', 'with --all: only those of this trigger')
      .option('--since <time>', 'with --all: only those created at or after this time, such as 2026-12-24T18:00Z')
      .option('--until <time>', 'with --all: only those created before this time')
      .option('--reason <text>', 'why, for those who wonder later')
      .option('--yes', 'do not ask for a confirmation')
    if (verb === 'rerun') {
      command
        .requiredOption('--from <node>', 'the node to begin with')
        .option('--input <json>', 'what this node gets, instead of what it got before')
    }
    command.action((ids: string[], options: ControlOptions) => run(context, { verb, ids, options }))
  }
}

interface Request {
  readonly verb: Verb
  readonly ids: readonly string[]
  readonly options: ControlOptions
}

async function run(context: CliContext, request: Request): Promise<void> {
  const { verb, ids, options } = request
  const command = commandOf(request)
  checkChoice(request)
  const { control } = await import('../execution/control.ts')
  const { withVerbs } = await import('./verbs.ts')
  const chosen = options.all ? await selected(context, request) : await named(context, ids)
  const answers = await withVerbs(context, deps => control(deps, command, chosen))
  report(context, { verb, answers, isNamed: options.all !== true })
}

function commandOf({ verb, options: { reason, from = '', input } }: Request): Asked {
  const asked = { by: `cli:${userName()}`, ...(reason === undefined ? {} : { reason }) }
  if (verb !== 'rerun') return { ...asked, verb }
  return { ...asked, verb, node: from, ...(input === undefined ? {} : { input: parseJson('--input', input) }) }
}

/** Either ids, or --all with or without more. */
function checkChoice({ verb, ids, options }: Request): void {
  const { all, status, workflow, trigger, since, until } = options
  const filters = Object.entries({ status, workflow, trigger, since, until }).filter(([, value]) => value !== undefined)
  const [filter] = filters.map(([name]) => `--${name}`)
  if (all && ids.length > 0) throw usage(verb, 'give either ids or --all')
  if (!all && filter !== undefined) throw usage(verb, `${filter} goes with --all`)
  if (!all && ids.length === 0) throw usage(verb, 'which executions?')
}

function usage(verb: Verb, message: string): MbflowError {
  return new MbflowError('USAGE', message, {
    hint: `mbflow execution ${verb} ID…, or mbflow execution ${verb} --all --workflow NAME`,
  })
}

async function named(context: CliContext, words: readonly string[]): Promise<string[]> {
  const { findExecutionId } = await import('../execution/find.ts')
  const { pool } = await context.connect()
  const ids = await Promise.all(words.map(word => findExecutionId(pool, word)))
  return [...new Set(ids)]
}

async function selected(context: CliContext, { verb, options }: Request): Promise<string[]> {
  const { candidates } = await import('../execution/control.ts')
  const { selectExecutions } = await import('../execution/find.ts')
  const { instantGiven } = await import('./given-instants.ts')
  const { status, workflow, trigger, since, until, yes } = options
  const { pool } = await context.connect()
  if (workflow !== undefined) {
    const { findWorkflow } = await import('../workflow/find.ts')
    await findWorkflow(pool, { workflow }) // a misspelt name is not an empty selection
  }
  const { findTrigger } = await import('../trigger/find.ts')
  const asked = trigger === undefined ? undefined : await findTrigger(pool, trigger)
  const instant = (option: string, text: string): Date =>
    new Date(instantGiven(asked ?? { config: {} }, { option, text }))
  const ids = await selectExecutions(pool, {
    statuses: status === undefined ? candidates[verb] : [status],
    dead: verb === 'redrive',
    ...(workflow === undefined ? {} : { workflow }),
    ...(asked === undefined ? {} : { triggerId: asked.id }),
    ...(since === undefined ? {} : { since: instant('--since', since) }),
    ...(until === undefined ? {} : { until: instant('--until', until) }),
  })
  if (ids.length === 0 || yes) return ids
  if (await context.confirm(`${verb} ${ids.length} execution${ids.length === 1 ? '' : 's'}?`)) return ids
  throw new MbflowError('REFUSED', `nothing was done: ${ids.length} would have been asked to ${verb}`)
}

interface Answers {
  readonly verb: Verb
  readonly answers: readonly Commanded[]
  /** Whether they were named one by one. */
  readonly isNamed: boolean
}

function report({ output }: CliContext, { verb, answers, isNamed }: Answers): void {
  const refused = answers.filter(answer => answer.kind === 'refused')
  const [only] = refused
  if (only !== undefined && isNamed && answers.length === 1) {
    throw new MbflowError(only.code, `cannot ${verb} execution ${only.executionId}: ${only.why}`, { hint: only.hint })
  }
  const lines = answers.map(lineOf)
  const shown = output.json || isNamed ? lines : lines.filter(line => line.result !== 'done')
  if (output.json || shown.length > 0) output.rows(shown, columns, '')
  output.note(summary(answers))
  if (refused.length > 0) {
    throw new MbflowError('REFUSED', `${refused.length} of ${answers.length} executions refused to ${verb}`, {
      hint: 'each of their lines says why',
    })
  }
}

interface Line {
  readonly execution_id: string
  readonly result: Commanded['kind']
  /** What it is from now on, if something was done. */
  readonly status: string | null
  readonly code: string | null
  readonly why: string | null
  readonly hint: string | null
}

function lineOf(answer: Commanded): Line {
  return {
    execution_id: answer.executionId,
    result: answer.kind,
    status: answer.kind === 'done' ? answer.is : null,
    code: answer.kind === 'refused' ? answer.code : null,
    why: answer.kind === 'done' ? null : answer.why,
    hint: answer.kind === 'refused' ? answer.hint : null,
  }
}

function summary(answers: readonly Commanded[]): string {
  const counts = new Map<string, number>()
  for (const answer of answers) {
    const word = answer.kind === 'done' ? answer.is : answer.kind
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return counts.size === 0 ? 'no executions' : [...counts].map(([word, count]) => `${count} ${word}`).join(', ')
}

const columns: Column<Line>[] = [
  { title: 'ID', cell: line => line.execution_id },
  {
    title: 'RESULT',
    cell: line => line.status ?? line.result,
    style: line => ({ done: 'green' as const, unchanged: 'yellow' as const, refused: 'red' as const })[line.result],
  },
  { title: 'WHY', cell: line => line.why ?? '', least: 12 },
]
