// Drives the executions whose jobs this process holds, wave after wave: outcomes in, events appended, attempts started.
// Invariants:
// 1. No attempt begins before its `node_started`, and every outcome it rests on, is durable; except one of a pure node,
//    which nobody can see: pure nodes run ahead of the log, wave after wave, and their events are one append.
// 2. Every append is fenced by the turn and claim of the job; refused once, the execution is dropped without a write.
// 3. Nothing of an execution whose workflow has a limit starts before it has its place under it.
// 4. A turn ends in exactly one of: terminal, parked, handed over (each settles the job in its last append), dropped.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import { jsonBytes } from '../base/json-limits.ts'
import { outlast } from '../db/pool.ts'
import type { Append, Appended } from '../event/append.ts'
import type { RecordedError } from '../event/event.ts'
import type { EventLog } from '../event/event-log.ts'
import { failed, type Outcome } from '../node/node-type.ts'
import type { Queue } from '../queue/queue.ts'
import type { HeldJob } from '../queue/runner.ts'
import type { Catalog } from '../workflow/catalog.ts'
import type { Plan } from '../workflow/waves.ts'
import type { AttemptResult } from './attempt.ts'
import { type Attempts, type AttemptsDeps, createAttempts, type Loaded } from './attempts.ts'
import type { Commands } from './commands.ts'
import { failExecution, MAX_RUNNING, restartLost, settleAttempt } from './decide.ts'
import { type Draft, draftOf, emit, type Now } from './draft.ts'
import { drainEnds } from './drain.ts'
import { fold } from './evolve.ts'
import { type DrainStage, deadlineOf, decideFate } from './fate.ts'
import { type OnFailureDeps, withHandler } from './on-failure.ts'
import { lacksPlace, type PlaceDeps, seekPlace } from './place.ts'
import { awaitsItems, changedNodes, executionProjection, openedSplits, turnJob } from './projection.ts'
import { type ExecutionState, initialState, isAtWork, isCancelling, isOver, isPausing } from './state.ts'
import type { ExecutionRow } from './store.ts'
import { nextRetryAt, nextWaitEnd } from './waits.ts'

export interface TurnDeps extends AttemptsDeps, PlaceDeps, OnFailureDeps {
  readonly queue: Queue
  readonly eventLog: EventLog
  readonly catalog: Catalog
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly commands: Pick<Commands, 'attend'>
  /** Told after the commit that workers of a pool, or of the default, are to take an execution. A hint: it may be lost. */
  onHandOver?(pool: string | undefined): void
  /** Milliseconds that running attempts get to end once a drain began. */
  readonly drainTimeout: number
}

/** How far pure nodes may run ahead of the log: milliseconds, and bytes of output. */
const AHEAD_MS = 20
const AHEAD_BYTES = 1024 * 1024
const LOST_WORKER: RecordedError = { code: 'WORKER_LOST', message: 'the worker that ran this attempt is gone' }

const REFUSED = failed('OUTPUT_NOT_STORABLE', 'the database refused to store the outcome')

interface Turn {
  readonly deps: TurnDeps
  readonly held: HeldJob
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly attempts: Attempts
  state: ExecutionState
  sequence: number
  /** The claim this process may write under, once it has said so. */
  claimed: boolean
  /** Whether outcomes are appended one by one and after their starts, since the database refused several together. */
  singly: boolean
  /** Sequence that the execution is known to have come to; beyond ours, a command came in. */
  heard: number
  wake(): void
}

export async function driveTurn(deps: TurnDeps, held: HeldJob, loaded: Loaded): Promise<void> {
  const { row, plan, mapped } = loaded
  const turn: Turn = {
    deps,
    held,
    row,
    plan,
    attempts: createAttempts(deps, loaded, () => turn.wake()),
    state: initialState(plan, row.input, mapped),
    sequence: 0,
    claimed: held.job.retryCount === 0,
    singly: false,
    heard: 0,
    wake: () => {},
  }
  if (row.lastSequence > 0 && !(await reload(turn))) return
  const leave = deps.commands.attend(row.id, sequence => {
    turn.heard = sequence
    turn.wake()
  })
  const stop = (): void => turn.wake()
  try {
    while (!held.lost.aborted && (await step(turn))) {
      held.lost.addEventListener('abort', stop)
      held.drain.addEventListener('abort', stop)
      await nextChange(turn)
    }
  } finally {
    leave()
    held.lost.removeEventListener('abort', stop)
    held.drain.removeEventListener('abort', stop)
    turn.attempts.abortAll()
  }
}

/** False when the turn has ended already: by a command, by an append whose answer was lost, or by the claim before ours. */
async function reload(turn: Turn): Promise<boolean> {
  const events = await outlast(() => turn.deps.eventLog.read(turn.row.id), turn.held.lost)
  turn.state = fold(turn.plan, initialState(turn.plan, turn.row.input, turn.state.mapped), events)
  turn.sequence = events.length
  forgetOthers(turn)
  if (goesOn(turn)) return true
  // Whoever ended it settled the job, but for a command that came before anything had begun.
  await outlast(() => turn.deps.queue.settle(turn.deps.pool, [turn.held.job]), turn.held.lost)
  return false
}

/** Neither over nor parked; but what waited for a worker of its pool has found it in the one that holds this turn. */
function goesOn({ state, held }: Turn): boolean {
  const isTaken = state.parkedReason === 'pool' && state.turn === held.job.turn
  return !isOver(state) && (state.parkedReason === undefined || isTaken)
}

/** Decides and appends once, and starts what may start; false when the turn is over for this process. */
async function step(turn: Turn): Promise<boolean> {
  const { plan, held, attempts } = turn
  if (turn.heard > turn.sequence && !(await reload(turn))) return false
  if (isCancelling(turn.state) && turn.state.compensation === undefined) attempts.abortAll()
  const unplaced = lacksPlace(turn) ? await seekPlace(turn.deps, turn) : undefined
  if (unplaced === 'left') return false
  if (unplaced === 'moved') return (await reload(turn)) ? step(turn) : false
  const now = nowOf(turn.deps)
  const draft = draftOf(turn.state)

  if (!turn.claimed) {
    emit(plan, draft, { body: { type: 'execution_taken_over', payload: { claim: held.job.retryCount } }, at: now.at })
    restartLost(plan, draft, { reason: LOST_WORKER, now })
  }
  if (unplaced !== undefined) failExecution(plan, draft, { error: unplaced, now })
  const settled = new Map<string, AttemptResult>()
  const until = turn.deps.clock.monotonic() + AHEAD_MS
  let room = AHEAD_BYTES
  let more = outcomesToSettle(turn, draft, settled)
  let leaving: boolean
  do {
    for (const [key, result] of more) {
      const { outcome, edges } = result
      settled.set(key, result)
      settleAttempt(plan, draft, { key, outcome, edges, now })
      if (room > 0) room -= sizeOf(outcome, room)
    }
    leaving = decideFate(plan, draft, { now, drain: drainStage(turn) })
    more = leaving || room <= 0 ? [] : await runAhead(turn, { draft, settled, until })
  } while (more.length > 0)
  if (draft.events.length > 0) {
    const result = await append(turn, { draft, now, leaving })
    if (result === 'refused') {
      const [culprit, another] = settled
      if (culprit === undefined || culprit[1].outcome === REFUSED)
        throw new Error(`the database refuses the events of execution ${turn.row.id}`)
      if (another === undefined) attempts.ended.set(culprit[0], { ...culprit[1], outcome: REFUSED, edges: undefined })
      turn.singly = true
      forgetOthers(turn) // what ran ahead may rest on the one that is refused
      return step(turn)
    }
    if (result.kind === 'fenced') return false
    if (result.kind === 'behind') return (await reload(turn)) && step(turn)
    for (const key of settled.keys()) attempts.ended.delete(key)
    turn.claimed = true
    count(turn, draft)
  }
  if (!leaving) attempts.start(turn.state)
  return !leaving
}

type Results = ReadonlyMap<string, AttemptResult>
/** The key of a node, and what its attempt came to. */
type Result = readonly [string, AttemptResult]

/**
 * Outcomes of the attempts that are open in the draft, but for those it has settled: of their nodes another attempt may
 * have started since.
 */
function outcomesToSettle({ plan, attempts, singly }: Turn, { state }: Draft, settled: Results): Result[] {
  const open: Result[] = []
  for (const one of attempts.ended) {
    if (singly && open.length === 1) break
    if (!settled.has(one[0]) && isOpen(plan, state, one)) open.push(one)
  }
  return open
}

/** Whether the node is at work, as far as the state knows, and on this: of one that was called back no attempt counts. */
function isOpen(plan: Plan, { nodes }: ExecutionState, [key, result]: Result): boolean {
  const node = nodes[plan.index.get(key) ?? -1]
  return node !== undefined && isAtWork(node) && result.calledBack === (node.calledBack !== undefined)
}

/** Outcomes that are recorded already (their append was committed unanswered), or whose start was not recorded. */
function forgetOthers({ plan, attempts, state }: Turn): void {
  for (const one of attempts.ended) if (!isOpen(plan, state, one)) attempts.ended.delete(one[0])
}

async function append(
  turn: Turn,
  { draft, now, leaving }: { draft: Draft; now: Now; leaving: boolean },
): Promise<Appended | 'refused'> {
  const { deps, plan, held, row } = turn
  const claim = held.job.retryCount
  const next = draft.state.turn > held.job.turn ? turnJob(row, draft.state) : undefined
  const whole: Append = {
    executionId: row.id,
    fence: { sequence: turn.sequence, turn: held.job.turn, ...(turn.claimed ? { claim } : { claimBelow: claim }) },
    events: draft.events,
    project(at) {
      // Everything that happened in the draft happened at this one instant, which the transaction now sets.
      now.at.setTime(at.getTime())
      return {
        execution: executionProjection(draft.state),
        nodes: changedNodes(plan, row.id, { before: turn.state, after: draft.state }),
        splits: openedSplits(plan, { before: turn.state, after: draft.state }),
        awaitsItems: awaitsItems(draft.state),
      }
    },
    ...(next ? { enqueue: next } : {}),
    ...(leaving ? { settle: held.job } : {}),
  }
  const hasFailed = draft.state.status === 'failed'
  const handled = hasFailed ? await outlast(() => withHandler(deps, turn, whole), held.lost) : whole
  try {
    const result = await deps.eventLog.append(handled, held.lost)
    if (result.kind === 'appended') {
      if (next !== undefined) deps.onHandOver?.(next.pool)
      turn.state = draft.state
      turn.sequence = result.sequence
    }
    return result
  } catch (error) {
    deps.log.error(
      { evt: 'execution.append_refused', err: error, executionId: row.id },
      'the database refused an append',
    )
    return 'refused'
  }
}

/** Runs the pure nodes that start in the draft, at most until `until`; the outcomes to settle now. */
async function runAhead(
  turn: Turn,
  { draft, settled, until }: { draft: Draft; settled: Results; until: number },
): Promise<Result[]> {
  const time = until - turn.deps.clock.monotonic()
  if (turn.singly || time <= 0 || turn.held.lost.aborted) return []
  await turn.attempts.runPure(draft.state, time)
  return outcomesToSettle(turn, draft, settled)
}

/** Bytes of the output as JSON; those beyond `limit` are not counted to the end. */
function sizeOf(outcome: Outcome, limit: number): number {
  return outcome.kind === 'completed' ? jsonBytes(outcome.output, limit) : 0
}

/** Waits for an outcome, a command, a timer that is due, the deadline, a drain, or the loss of the claim. */
async function nextChange(turn: Turn): Promise<void> {
  const { deps, held } = turn
  if (turn.attempts.ended.size === 0 && turn.heard <= turn.sequence && !held.lost.aborted) {
    const now = deps.databaseClock.now()
    // A retry that cannot begin (no room, or a drain) is no reason to look: an attempt that ends is.
    const mayRetry = !held.drain.aborted && !isPausing(turn.state) && turn.attempts.running() < MAX_RUNNING
    const retryAt = mayRetry ? nextRetryAt(turn.plan, turn.state)?.getTime() : undefined
    const waitEnd = held.drain.aborted ? undefined : nextWaitEnd(turn.state)?.getTime()
    const instants = [retryAt, waitEnd, deadlineOf(turn.plan, turn.state)].filter(instant => instant !== undefined)
    if (held.drain.aborted) instants.push(now + Math.max(0, drainEnds(held.drain, deps) - deps.clock.monotonic()))
    const pause = instants.length === 0 ? undefined : Math.max(0, Math.min(...instants) - now)
    await new Promise<void>(resolve => {
      const timer = pause === undefined ? undefined : setTimeout(resolve, Math.min(pause, 2 ** 31 - 1))
      turn.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    turn.wake = () => {}
  }
  // Attempts that end together are appended together.
  if (turn.attempts.running() > 0) await new Promise(resolve => setImmediate(resolve))
}

function drainStage({ deps, held }: Turn): DrainStage {
  if (!held.drain.aborted) return 'none'
  return deps.clock.monotonic() >= drainEnds(held.drain, deps) ? 'over' : 'begun'
}

function nowOf(deps: TurnDeps): Now {
  return { at: new Date(deps.databaseClock.now()), random: Math.random() }
}

function count({ deps }: Turn, { state: { status } }: Draft): void {
  if (status === 'completed' || status === 'failed' || status === 'cancelled') deps.metrics.executions.inc({ status })
}
