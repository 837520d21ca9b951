// What people ask of backfills: plan one, start it, see how it fares, pause, resume, cancel.
import { MbflowError, messageOf } from '../base/errors.ts'
import { notify } from '../db/listener.ts'
import type { Pool } from '../db/pool.ts'
import { type BackfillOverlap, estimatedEnd, type PlannedSlot, plannedSlots, type Range } from './backfill.ts'
import {
  type BackfillStatus,
  countOutcomes,
  findBackfills,
  insertBackfill,
  type ListedBackfill,
  listBackfills as listRows,
  lockBackfill,
  type Outcome,
  setStatus,
} from './backfill-store.ts'
import type { FireDeps } from './fire.ts'
import { loadTriggers, lockTrigger } from './store.ts'
import { loadSubject, type Subject } from './subject.ts'
import type { Trigger } from './trigger.ts'

export type { PlannedSlot } from './backfill.ts'

/** Slots of one backfill: about a second's work to count them. */
const MOST_SLOTS = 1_000_000
/** Times a plan is made again because the trigger was edited meanwhile. */
const ATTEMPTS = 5

export interface BackfillPlan {
  readonly trigger: Trigger
  readonly slotCount: number
  /** How many of them calendars exclude. */
  readonly excludedCount: number
  /** The first ones, as many as were asked for. */
  readonly slots: readonly PlannedSlot[]
}

/** What a backfill would do; `show` slots of it one by one. Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS, INPUT_INVALID. */
export async function planBackfill(
  pool: Pool,
  word: string,
  { range, show }: { range: Range; show: number },
): Promise<BackfillPlan> {
  return planOf(await loadSubject(pool, word), range, show)
}

function planOf({ trigger, prospect: { now, calendars } }: Subject, range: Range, show: number): BackfillPlan {
  const name = `${trigger.workflowName}/${trigger.key}`
  const refuse = (message: string, hint: string): never => {
    throw new MbflowError('INPUT_INVALID', message, { hint })
  }
  if (range.from >= range.until) refuse('the range of a backfill ends before it begins', 'give --to after --from')
  if (range.until > now)
    refuse('a backfill is of the past', 'give --to no later than now: what comes due fires by itself')
  const slots: PlannedSlot[] = []
  let slotCount = 0
  let excludedCount = 0
  try {
    for (const one of plannedSlots(trigger, { ...range, calendars })) {
      if (++slotCount > MOST_SLOTS) break
      if (one.excludedBy !== null) excludedCount++
      if (slots.length < show) slots.push(one)
    }
  } catch (error) {
    refuse(`${name} cannot be backfilled: ${messageOf(error)}`, 'only cron and interval triggers have slots')
  }
  if (slotCount > MOST_SLOTS)
    refuse(`${name} has more than ${MOST_SLOTS.toLocaleString('en')} slots in that range`, 'divide the range')
  if (slotCount === 0) refuse(`${name} has no slot in that range`, `mbflow trigger preview ${name} shows its slots`)
  return { trigger, slotCount, excludedCount, slots }
}

export interface BackfillRequest {
  readonly trigger: string
  readonly range: Range
  readonly overlap: BackfillOverlap
  /** How many of its executions may be open at once. */
  readonly maxRunning: number
  /** Null: no limit. */
  readonly ratePerMinute: number | null
}

type BackfillDeps = Pick<FireDeps, 'ids'> & { readonly pool: Pool }

/** Resolves to its id. Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS, INPUT_INVALID, DATABASE_BUSY. */
export async function startBackfill(deps: BackfillDeps, request: BackfillRequest): Promise<string> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const plan = await planBackfill(deps.pool, request.trigger, { range: request.range, show: 1 })
    const id = await insertPlanned(deps, plan, request)
    if (id !== undefined) return id
  }
  throw new MbflowError('DATABASE_BUSY', `the trigger ${request.trigger} is edited all the time`, { hint: 'try again' })
}

/** Undefined when the trigger was edited since the plan was made. */
function insertPlanned(
  { pool, ids }: BackfillDeps,
  { trigger, slotCount, slots: [first] }: BackfillPlan,
  { range, overlap, maxRunning, ratePerMinute }: BackfillRequest,
): Promise<string | undefined> {
  return pool.transaction(async tx => {
    await lockTrigger(tx, trigger.id)
    const [present] = await loadTriggers(tx, [trigger.id])
    if (present?.specVersion !== trigger.specVersion || first === undefined) return undefined
    const id = ids.next()
    await insertBackfill(tx, {
      id,
      triggerId: trigger.id,
      specVersion: trigger.specVersion,
      from: new Date(range.from),
      until: new Date(range.until),
      overlap,
      maxRunning,
      ratePerMinute,
      slotCount,
      nextSlotAt: new Date(first.slot),
    })
    await notify(tx, 'triggers')
    return id
  })
}

export interface ListedProgress extends ListedBackfill {
  /** When it will be through, if it goes on as it does; null unless it runs. */
  readonly estimatedEnd: Date | null
}

/** The latest first. */
export async function listBackfills(pool: Pool, limit: number): Promise<ListedProgress[]> {
  return (await listRows(pool, limit)).map(withEstimate)
}

export interface ShownBackfill extends ListedProgress {
  readonly outcomes: readonly Outcome[]
}

/** By id, or by the beginning of one. Throws BACKFILL_NOT_FOUND, NAME_AMBIGUOUS. */
export async function showBackfill(pool: Pool, word: string): Promise<ShownBackfill> {
  const found = await findBackfill(pool, word)
  return { ...withEstimate(found), outcomes: await countOutcomes(pool, found) }
}

function withEstimate(one: ListedBackfill): ListedProgress {
  return { ...one, estimatedEnd: one.status === 'running' ? estimatedEnd(one, one.now) : null }
}

async function findBackfill(pool: Pool, word: string): Promise<ListedBackfill> {
  const [found, another] = await findBackfills(pool, word.toLowerCase())
  if (found === undefined || word === '')
    throw new MbflowError('BACKFILL_NOT_FOUND', `there is no backfill ${word}`, { hint: 'mbflow backfill list' })
  if (another !== undefined) {
    throw new MbflowError('NAME_AMBIGUOUS', `several backfills have an id that begins with ${word}`, {
      hint: 'give more of the id',
    })
  }
  return found
}

/** What may follow what; the same again changes nothing. */
const FOLLOWS: Readonly<Record<'running' | 'paused' | 'cancelled', readonly BackfillStatus[]>> = {
  running: ['paused'],
  paused: ['running'],
  cancelled: ['running', 'paused'],
}

export interface BackfillCommand {
  readonly status: keyof typeof FOLLOWS
  /** Why, for those who wonder later. */
  readonly note: string | null
}

/** Pauses, resumes or cancels; executions it has started go on. Throws BACKFILL_NOT_FOUND, NAME_AMBIGUOUS, REFUSED. */
export async function commandBackfill(
  { pool }: { readonly pool: Pool },
  word: string,
  { status, note }: BackfillCommand,
): Promise<ShownBackfill> {
  const { id } = await findBackfill(pool, word)
  await pool.transaction(async tx => {
    const present = await lockBackfill(tx, id)
    if (present === undefined || present.status === status) return
    if (!FOLLOWS[status].includes(present.status))
      throw new MbflowError('REFUSED', `the backfill ${id} is ${present.status} already`, {
        hint: 'mbflow backfill start makes a new one',
      })
    await setStatus(tx, { id, status, note })
    await notify(tx, 'triggers')
  })
  return showBackfill(pool, id)
}
