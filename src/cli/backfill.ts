import { InvalidArgumentError, Option } from 'commander'
import type { BackfillCommand, ListedProgress, PlannedSlot, ShownBackfill } from '../trigger/backfills.ts'
import type { CliContext, Family } from './context.ts'
import { clockText, TRIGGER, utcText } from './instants.ts'
import { wholeNumber } from './option-values.ts'
import { type Column, renderTable, type Style } from './table.ts'
import { exactly, relative } from './text.ts'

interface StartOptions {
  readonly from: string
  readonly to: string
  readonly overlap: 'allow' | 'skip' | 'buffer_all'
  readonly maxRunning: number
  readonly rate?: number
  readonly dryRun?: boolean
  readonly limit: number
}

const BACKFILL = 'id, or the beginning of one'

export const backfillFamily: Family = (program, context) => {
  const backfill = program
    .command('backfill')
    .description('Fire slots of the past: start, list, show, pause, resume, cancel')

  backfill
    .command('start')
    .description('Fire every slot that the rule of a trigger names in a range of the past')
    .argument('<trigger>', TRIGGER)
    .requiredOption('--from <time>', 'the slots from this time on, such as 2026-11-01T00:00Z')
    .requiredOption('--to <time>', 'the slots before this time, which is no later than now')
    .addOption(
      new Option(
        '--overlap <policy>',
        'while an execution of the trigger is not over: wait for it, skip the slot, or not mind',
      )
        .choices(['buffer_all', 'skip', 'allow'])
        .default('buffer_all'),
    )
    .option('--max-running <n>', 'how many of its executions may be open at once', wholeNumber, 10)
    .option('--rate <n/min>', 'how many slots it fires a minute at most; default: no limit', rateOf)
    .option('--dry-run', 'show the slots and their number, and start nothing')
    .option('--limit <n>', 'how many slots the dry run shows', wholeNumber, 100)
    .action((word: string, options: StartOptions) => start(context, word, options))

  backfill
    .command('list')
    .description('List backfills, the latest first')
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .action(async ({ limit }: { limit: number }) => {
      const { listBackfills } = await import('../trigger/backfills.ts')
      const { pool } = await context.connect()
      context.output.rows((await listBackfills(pool, limit)).map(lineOf), columns(new Date()), 'no backfills yet')
    })

  backfill
    .command('show')
    .description('Show a backfill: how far it is, when it will be through, what became of its slots')
    .argument('<backfill>', BACKFILL)
    .action(async (word: string) => {
      const { showBackfill } = await import('../trigger/backfills.ts')
      const { pool } = await context.connect()
      print(context, await showBackfill(pool, word))
    })

  backfill
    .command('pause')
    .description('Let a backfill fire nothing until it is resumed')
    .argument('<backfill>', BACKFILL)
    .option('--note <text>', 'why, for those who wonder later')
    .action((word: string, { note }: { note?: string }) =>
      change(context, word, { status: 'paused', note: note ?? null }),
    )

  backfill
    .command('resume')
    .description('Let a paused backfill go on where it was')
    .argument('<backfill>', BACKFILL)
    .action((word: string) => change(context, word, { status: 'running', note: null }))

  backfill
    .command('cancel')
    .description('End a backfill; executions it has started go on')
    .argument('<backfill>', BACKFILL)
    .option('--note <text>', 'why, for those who wonder later')
    .action((word: string, { note }: { note?: string }) =>
      change(context, word, { status: 'cancelled', note: note ?? null }),
    )
}

async function start(context: CliContext, word: string, options: StartOptions): Promise<void> {
  const { planBackfill, showBackfill, startBackfill } = await import('../trigger/backfills.ts')
  const { findTrigger } = await import('../trigger/find.ts')
  const { instantGiven } = await import('./given-instants.ts')
  const { pool } = await context.connect()
  const trigger = await findTrigger(pool, word)
  const range = {
    from: instantGiven(trigger, { option: '--from', text: options.from }),
    until: instantGiven(trigger, { option: '--to', text: options.to }),
  }
  if (options.dryRun) {
    const { slotClockOf } = await import('../trigger/local-time.ts')
    const plan = await planBackfill(pool, trigger.id, { range, show: options.limit })
    const clock = slotClockOf(plan.trigger)
    const slots = plan.slots.map(({ slot, excludedBy }) => ({
      slot: new Date(slot),
      ...clock.read(slot),
      excluded_by: excludedBy,
    }))
    const { slotCount, excludedCount } = plan
    const { output } = context
    return output.one({ slot_count: slotCount, excluded_count: excludedCount, slots }, () => [
      ...renderTable(slots, slotColumns, { width: output.width, style: output.style }),
      `${slotCount} slots${slots.length < slotCount ? ` (${slots.length} shown)` : ''}, ${excludedCount} of them excluded; nothing was started`,
    ])
  }
  const { systemClock } = await import('../base/clock.ts')
  const { createDatabaseIds } = await import('../db/database-time.ts')
  const id = await startBackfill(
    { pool, ids: await createDatabaseIds(pool, systemClock) },
    {
      trigger: trigger.id,
      range,
      overlap: options.overlap,
      maxRunning: options.maxRunning,
      ratePerMinute: options.rate ?? null,
    },
  )
  print(context, await showBackfill(pool, id))
}

async function change(context: CliContext, word: string, command: BackfillCommand): Promise<void> {
  const { commandBackfill } = await import('../trigger/backfills.ts')
  const { pool } = await context.connect()
  print(context, await commandBackfill({ pool }, word, command))
}

const MOST_A_MINUTE = 100_000

function rateOf(text: string): number {
  const [, digits = ''] = /^(\d+)(?:\/min)?$/.exec(text) ?? []
  const rate = Number(digits)
  if (rate >= 1 && rate <= MOST_A_MINUTE) return rate
  throw new InvalidArgumentError(`must be a number of slots a minute, 1 to ${MOST_A_MINUTE}, such as 60/min`)
}

function lineOf(one: ListedProgress) {
  return {
    id: one.id,
    trigger: one.trigger,
    trigger_id: one.triggerId,
    status: one.status,
    note: one.note,
    from: one.from,
    to: one.until,
    overlap: one.overlap,
    max_running: one.maxRunning,
    rate_per_minute: one.ratePerMinute,
    slot_count: one.slotCount,
    done_count: one.doneCount,
    fired_count: one.firedCount,
    next_slot_at: one.nextSlotAt,
    estimated_end_at: one.estimatedEnd,
    created_at: one.createdAt,
    ended_at: one.endedAt,
  }
}

type Line = ReturnType<typeof lineOf>

function print({ output }: CliContext, shown: ShownBackfill): void {
  const one = lineOf(shown)
  const fact = (name: string, value: string): string => `${name.padEnd(10)}${value}`
  const { now } = shown
  output.one({ ...one, outcomes: shown.outcomes }, () => [
    `${output.style('bold', triggerOf(one))}  ${statusText(one)}`,
    fact('id', one.id),
    fact('range', `${utcText(one.from)} to ${utcText(one.to)}`),
    fact('progress', `${progressText(one)} slots, ${one.fired_count} fired`),
    ...(one.estimated_end_at === null ? [] : [fact('ends', `about ${exactly(one.estimated_end_at, now)}`)]),
    ...(one.next_slot_at === null ? [] : [fact('next slot', utcText(one.next_slot_at))]),
    fact('limits', limitsText(one)),
    ...shown.outcomes.map(({ kind, outcome, slots }) =>
      fact(kind === 'execution' ? 'runs' : 'skipped', `${slots} ${outcome}`),
    ),
    fact('created', exactly(one.created_at, now)),
    ...(one.ended_at === null ? [] : [fact('ended', exactly(one.ended_at, now))]),
  ])
}

const triggerOf = ({ trigger, trigger_id }: Line): string => trigger ?? `removed trigger ${trigger_id}`
const statusText = ({ status, note }: Line): string => (note === null ? status : `${status}: ${note}`)

function progressText({ done_count, slot_count }: Line): string {
  return `${done_count}/${slot_count} (${Math.floor((done_count / slot_count) * 100)}%)`
}

function limitsText({ overlap, max_running, rate_per_minute }: Line): string {
  const rate = rate_per_minute === null ? '' : `, ${rate_per_minute}/min`
  return `overlap ${overlap}, at most ${max_running} running${rate}`
}

function styleOf({ status }: Line): Style {
  if (status === 'running') return 'cyan'
  return status === 'completed' ? 'green' : 'yellow'
}

const columns = (now: Date): Column<Line>[] => [
  { title: 'ID', cell: one => one.id },
  { title: 'TRIGGER', cell: triggerOf, least: 12 },
  { title: 'FROM', cell: one => utcText(one.from), leaves: 2 },
  { title: 'TO', cell: one => utcText(one.to), leaves: 2 },
  { title: 'STATUS', cell: statusText, style: styleOf, least: 8 },
  { title: 'PROGRESS', cell: progressText },
  {
    title: 'ENDS',
    cell: one => (one.estimated_end_at === null ? '' : relative(one.estimated_end_at, now)),
    leaves: 1,
  },
]

interface DrySlot {
  readonly slot: Date
  readonly local: string
  readonly abbreviation: string
  readonly excluded_by: PlannedSlot['excludedBy']
}

const slotColumns: Column<DrySlot>[] = [
  { title: 'LOCAL', cell: clockText, style: one => (one.excluded_by === null ? undefined : 'dim') },
  { title: 'UTC', cell: ({ slot }) => utcText(slot) },
  { title: 'REMARKS', cell: one => (one.excluded_by === null ? '' : `excluded by ${one.excluded_by}`) },
]
