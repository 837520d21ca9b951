// The commands that account for slots: why one fired or did not, and what the ledger holds.
import type { Command } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { SlotClock } from '../trigger/local-time.ts'
import type { Asked, LedgerEntry, LookedBack } from '../trigger/look-back.ts'
import type { Trigger } from '../trigger/trigger.ts'
import type { CliContext } from './context.ts'
import type { Given } from './given-instants.ts'
import { clockText, TRIGGER, utcText } from './instants.ts'
import { wholeNumber } from './option-values.ts'
import type { Column, Style } from './table.ts'
import { relative, roughly } from './text.ts'

interface ExplainOptions {
  readonly at?: string
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

export function addExplain(trigger: Command, context: CliContext): void {
  trigger
    .command('explain')
    .description('Say what became or will become of an instant, or of the slots of a range, and why')
    .argument('<trigger>', TRIGGER)
    .option('--at <time>', 'the instant, such as 2026-12-24T18:00Z; without Z, on the clock of the trigger')
    .option('--from <time>', 'the slots from this time on')
    .option('--to <time>', 'the slots before this time')
    .option('--limit <n>', 'how many slots of the range at most', wholeNumber, 50)
    .action(async (word: string, options: ExplainOptions) => {
      const { explainTrigger } = await import('../trigger/look-back.ts')
      const { slotClockOf } = await import('../trigger/local-time.ts')
      const { instantsGiven } = await import('./given-instants.ts')
      if ((options.at === undefined) === (options.from === undefined) || (options.at ?? options.to) === undefined) {
        throw new MbflowError('USAGE', 'explain takes either --at, or --from and --to', {
          hint: `mbflow trigger explain ${word} --at 2026-12-24T18:00Z`,
        })
      }
      const { pool } = await context.connect()
      const { trigger, now, explanations, next } = await explainTrigger(pool, word, asked =>
        askedOf(options, given => instantsGiven(asked, given)),
      )
      const clock = slotClockOf(trigger)
      const shown = explanations.map(one => forPeople(one, clock))
      const { output } = context
      if (options.at === undefined) {
        output.rows(shown, rangeColumns, 'there are no slots between these times')
        if (next !== null) output.note(`more slots follow: --from ${utcText(next)}`)
      } else output.one(shown, () => shown.flatMap(one => describe(context, one, { trigger, now })))
    })
}

function askedOf({ at, from = '', to = '', limit }: ExplainOptions, instantsOf: (given: Given) => number[]): Asked {
  if (at !== undefined) return { kind: 'instants', at: instantsOf({ option: '--at', text: at }) }
  const [first = 0] = instantsOf({ option: '--from', text: from })
  const until = instantsOf({ option: '--to', text: to }).at(-1) ?? 0
  return { kind: 'range', from: first, until, count: limit }
}

type Shown = ReturnType<typeof forPeople>

function forPeople({ fire, backfills, ...explanation }: LookedBack, clock: SlotClock) {
  const at = explanation.at.getTime()
  return {
    ...explanation,
    ...clock.read(at),
    remarks: explanation.outcome === 'no_slot' ? [] : clock.remarks(at),
    fire: fire && { ...lineOf(fire), lateness_ms: fire.lateness_ms },
    backfills: backfills.map(lineOf),
  }
}

function describe({ output }: CliContext, one: Shown, { trigger, now }: { trigger: Trigger; now: Date }): string[] {
  const fact = (name: string, value: string): string => `${name.padEnd(10)}${value}`
  const when = (instant: Date): string => `${utcText(instant)} (${relative(instant, now)})`
  const style = styleOf(one)
  return [
    `${output.style('bold', `${trigger.workflowName}/${trigger.key}`)}  ${clockText(one)}`,
    fact('at', when(one.at)),
    fact('outcome', style === undefined ? outcomeText(one) : output.style(style, outcomeText(one))),
    fact('why', [one.text, ...one.remarks.map(({ text }) => text)].join('; ')),
    ...(one.fire === null || one.fire.slot_count === 1
      ? []
      : [fact('run', `one of ${one.fire.slot_count} slots with this fate`)]),
    ...one.backfills.map(({ fire_key, decided_at, execution_id, execution_status }) =>
      fact(
        'backfill',
        `${backfillOf(fire_key)} fired it ${relative(decided_at, now)}: ${execution_id} ${execution_status ?? 'no longer kept'}`,
      ),
    ),
    ...(one.rule === null
      ? []
      : [fact('rule', `version ${one.rule.spec_version}, since ${when(one.rule.valid_from)}`)]),
    ...(one.previous === null ? [] : [fact('previous', when(one.previous))]),
    ...(one.next === null ? [] : [fact('next', when(one.next))]),
  ]
}

/** Of `bf:<backfill>:<slot>`. */
const backfillOf = (fireKey: string): string => fireKey.split(':')[1] ?? ''

const outcomeText = ({ outcome, reason }: Shown): string =>
  `${outcome.replace('_', ' ')}${reason === null ? '' : `: ${reason}`}`

function styleOf({ outcome }: { readonly outcome: string }): Style | undefined {
  if (outcome === 'fired' || outcome === 'will_fire') return 'green'
  return outcome === 'no_slot' ? undefined : 'yellow'
}

const rangeColumns: Column<Shown>[] = [
  { title: 'LOCAL', cell: clockText },
  { title: 'UTC', cell: ({ at }) => utcText(at), leaves: 2 },
  { title: 'OUTCOME', cell: outcomeText, style: styleOf },
  {
    title: 'WHY',
    cell: ({ text, remarks, backfills }) =>
      [text, ...remarks.map(one => one.text), ...backfills.map(() => 'fired by a backfill')].join('; '),
    least: 12,
    leaves: 1,
  },
]

interface HistoryOptions {
  readonly before?: string
  readonly limit: number
}

export function addHistory(trigger: Command, context: CliContext): void {
  trigger
    .command('history')
    .description('List what became of the slots and requests of a trigger, the latest first')
    .argument('<trigger>', TRIGGER)
    .option('--before <key>', 'only what was decided before this fire key: the next page')
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .action(async (word: string, { before, limit }: HistoryOptions) => {
      const { triggerHistory } = await import('../trigger/look-back.ts')
      const { pool } = await context.connect()
      const entries = await triggerHistory(pool, word, { limit, ...(before === undefined ? {} : { before }) })
      const lines = entries.map(lineOf)
      context.output.rows(lines, historyColumns(new Date()), 'nothing yet')
      const last = lines.at(-1)
      if (last !== undefined && lines.length === limit) context.output.note(`earlier ones: --before ${last.fire_key}`)
    })
}

type Line = ReturnType<typeof lineOf>

function lineOf(entry: LedgerEntry) {
  const { slotAt, decidedAt, bufferedAt, disposition } = entry
  return {
    fire_key: entry.fireKey,
    slot_at: slotAt,
    slot_until: entry.slotUntil,
    slot_count: entry.slotCount,
    disposition,
    reason: entry.reason,
    decided_at: decidedAt,
    /** How long it waited, or has waited, for executions before it; null if it had not to. */
    waited_ms:
      bufferedAt === null
        ? null
        : (disposition === 'buffered' ? Date.now() : decidedAt.getTime()) - bufferedAt.getTime(),
    /** Of the first slot of the row; null for a request. */
    lateness_ms: slotAt === null ? null : decidedAt.getTime() - slotAt.getTime(),
    execution_id: entry.executionId,
    execution_status: entry.executionStatus,
  }
}

function slotText({ slot_at, fire_key }: Line): string {
  if (slot_at === null) return fire_key
  return `${utcText(slot_at)}${fire_key.startsWith('bf:') ? ' (backfill)' : ''}`
}

const historyColumns = (now: Date): Column<Line>[] => [
  { title: 'SLOT', cell: slotText, least: 20 },
  { title: 'SLOTS', cell: ({ slot_count }) => String(slot_count), align: 'right', leaves: 3 },
  {
    title: 'BECAME',
    cell: ({ disposition, reason, waited_ms }) =>
      `${disposition}${reason === null ? '' : `: ${reason}`}${waited_ms === null ? '' : `, waited ${roughly(waited_ms)}`}`,
    style: ({ disposition }) => styleOf({ outcome: disposition }),
  },
  { title: 'DECIDED', cell: ({ decided_at }) => relative(decided_at, now), leaves: 1 },
  {
    title: 'LATE',
    cell: ({ lateness_ms }) => (lateness_ms === null ? '' : roughly(lateness_ms)),
    align: 'right',
    leaves: 2,
  },
  { title: 'EXECUTION', cell: ({ execution_id }) => execution_id ?? '' },
  { title: 'STATUS', cell: one => one.execution_status ?? (one.execution_id === null ? '' : 'no longer kept') },
]
