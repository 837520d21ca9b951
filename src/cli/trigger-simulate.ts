import type { Command } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Reading } from '../trigger/local-time.ts'
import type { SlotChange } from '../trigger/simulate.ts'
import type { Draft } from '../trigger/subject.ts'
import type { CliContext } from './context.ts'
import { clockText, TRIGGER, utcText } from './instants.ts'
import { wholeNumber } from './option-values.ts'
import { addSettingOptions, documentSettings } from './settings.ts'
import type { Column, Style } from './table.ts'
import { relative, roughly } from './text.ts'

interface SimulateOptions {
  readonly file?: string[]
  readonly set?: string[]
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

const WEEK_MS = 7 * 86_400_000

export function addSimulate(trigger: Command, context: CliContext): void {
  const command = trigger
    .command('simulate')
    .description('Show which slots an edit of a trigger would add, remove and move, without making it')
    .argument('[trigger]', `${TRIGGER}; with --file it may be left out if there is only one`)
    .option('-f, --file <path...>', 'the edited documents')
    .option('--set <field=value...>', 'the edited fields of config, such as schedule="0 9 * * *"; null removes one')
    .option('--from <time>', 'from this time on; default: now')
    .option('--to <time>', 'before this time; default: a week later')
    .option('--limit <n>', 'how many changes to list at most', wholeNumber, 50)
    .action(async (word: string | undefined, options: SimulateOptions) => {
      const { slotClockOf } = await import('../trigger/local-time.ts')
      const { simulate } = await import('../trigger/simulate.ts')
      const { instantGiven } = await import('./given-instants.ts')
      const edited = await load(context, word, options)
      const given = (option: 'from' | 'to', otherwise: number): number => {
        const text = options[option]
        return text === undefined ? otherwise : instantGiven(edited.trigger, { option: `--${option}`, text })
      }
      const from = given('from', edited.prospect.now)
      const until = given('to', from + WEEK_MS)
      const { changes, ...counts } = simulate({ present: edited.present, edited }, { from, until })
      const clock = slotClockOf(edited.trigger)
      const lines = changes
        .slice(0, options.limit)
        .map(one => ({ ...one, ...clock.read((one.from ?? one.to ?? new Date(0)).getTime()) }))
      const { output } = context
      if (output.json) {
        const range = { from: new Date(from), to: new Date(until) }
        return output.one({ ...range, ...counts, changes: lines, more: changes.length - lines.length }, () => [])
      }
      output.rows(lines, columns(new Date(edited.prospect.now)), 'no slot changes')
      const { before, after, kept, added, removed, moved } = counts
      output.note(
        `${before} slots fire before the edit, ${after} after it: ${kept} stay, ${added} added, ${removed} removed, ${moved} moved`,
      )
      if (changes.length > lines.length)
        output.note(`${changes.length - lines.length} more changes; --limit shows them`)
    })
  addSettingOptions(command, documentSettings)
}

async function load(context: CliContext, word: string | undefined, { file, set }: SimulateOptions): Promise<Draft> {
  const { loadDocumentDraft, loadEdited } = await import('../trigger/subject.ts')
  if (file !== undefined && set === undefined) {
    const { readDocuments } = await import('../trigger/apply-files.ts')
    const documents = await readDocuments(file, await context.nodeTypes())
    const { pool } = await context.connect()
    return loadDocumentDraft(pool, { documents, word })
  }
  if (set === undefined || file !== undefined || word === undefined) {
    throw new MbflowError('USAGE', 'simulate takes an edit: --file, or a trigger and --set', {
      hint: 'mbflow trigger simulate report/mornings --set schedule="0 9 * * *"',
    })
  }
  const fields = set.map(parseField)
  const { pool } = await context.connect()
  return loadEdited(pool, { word, edit: config => fields.reduce(withField, config) })
}

interface Field {
  readonly path: readonly string[]
  readonly value: Json
}

/** `misfire.policy=skip`; a value that is no JSON is text. */
function parseField(text: string): Field {
  const [, path, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (path === undefined)
    throw new MbflowError('USAGE', `--set ${text} is not field=value`, { hint: '--set misfire.policy=skip' })
  try {
    return { path: path.split('.'), value: JSON.parse(value) as Json }
  } catch {
    return { path: path.split('.'), value }
  }
}

function withField(config: JsonObject, { path: [first = '', ...rest], value }: Field): JsonObject {
  if (rest.length > 0) {
    const within = config[first]
    const fields = typeof within === 'object' && within !== null && !Array.isArray(within) ? (within as JsonObject) : {}
    return { ...config, [first]: withField(fields, { path: rest, value }) }
  }
  const { [first]: _, ...others } = config
  return value === null ? others : { ...others, [first]: value }
}

type Line = SlotChange & Reading

const STYLES: Readonly<Record<SlotChange['change'], Style>> = { added: 'green', removed: 'red', moved: 'yellow' }

const columns = (now: Date): Column<Line>[] => [
  { title: 'CHANGE', cell: ({ change }) => change, style: ({ change }) => STYLES[change] },
  { title: 'LOCAL', cell: clockText },
  { title: 'UTC', cell: ({ from, to }) => utcText(from ?? to ?? now), leaves: 1 },
  { title: 'IN', cell: ({ from, to }) => relative(from ?? to ?? now, now), leaves: 2 },
  { title: 'TO', cell: movedTo },
]

/** `+30m: 2026-11-23T08:30:00Z`, of a slot that moves. */
function movedTo({ from, to }: SlotChange): string {
  if (from === null || to === null) return ''
  const ms = to.getTime() - from.getTime()
  return `${utcText(to)} (${roughly(ms)} ${ms < 0 ? 'earlier' : 'later'})`
}
