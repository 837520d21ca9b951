// Drives the executions whose jobs this process holds, wave after wave: outcomes in, events appended, attempts started.
// Invariants:
// 1. No attempt begins before its `node_started` is durable; a node's outcome is durable before anything that depends on
//    it starts.
// 2. Every append is fenced by the turn and claim of the job; refused once, the execution is dropped without a write.
// 3. A turn ends in exactly one of: terminal, parked, handed over (each settles the job in its last append), dropped.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import type { Limit } from '../base/limit.ts'
import type { Metrics } from '../base/metrics.ts'
import { outlast, type Pool } from '../db/pool.ts'
import type { Appended } from '../event/append.ts'
import type { EventBody, RecordedError } from '../event/event.ts'
import type { EventLog } from '../event/event-log.ts'
import { failed } from '../node/node-type.ts'
import type { Queue } from '../queue/queue.ts'
import type { HeldJob } from '../queue/runner.ts'
import type { Catalog } from '../workflow/catalog.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { type AttemptDeps, type AttemptResult, attempt } from './attempt.ts'
import {
  type Draft,
  decideNext,
  draftOf,
  emit,
  failExecution,
  MAX_RUNNING,
  type Now,
  nextRetryAt,
  restartLost,
  settleAttempt,
} from './decide.ts'
import { drainEnds } from './drain.ts'
import { fold } from './evolve.ts'
import { changedNodes, executionProjection, turnJobId } from './projection.ts'
import { createScopes, type Scopes } from './scope.ts'
import { type ExecutionState, initialState, isOver } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface TurnDeps extends AttemptDeps {
  readonly pool: Pool
  readonly queue: Queue
  readonly eventLog: EventLog
  readonly catalog: Catalog
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  /** Node attempts of the whole process. */
  readonly attempts: Limit
  readonly metrics: Metrics
  /** Milliseconds that running attempts get to end once a drain began. */
  readonly drainTimeout: number
}

/** A waiting node whose next attempt is further away than this gives its worker back. Milliseconds. */
const PARK_AFTER_MS = 5_000
const LOST_WORKER: RecordedError = { code: 'WORKER_LOST', message: 'the worker that ran this attempt is gone' }
const DRAINED: RecordedError = { code: 'WORKER_DRAINED', message: 'the worker stopped before this attempt ended' }

const REFUSED: AttemptResult = {
  outcome: failed('OUTPUT_NOT_STORABLE', 'the database refused to store the outcome'),
  edges: undefined,
}

/** An execution as a turn begins. */
export interface Loaded {
  readonly row: ExecutionRow
  readonly plan: Plan
}

interface Turn {
  readonly deps: TurnDeps
  readonly held: HeldJob
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly scopes: Scopes
  state: ExecutionState
  sequence: number
  /** The claim this process may write under, once it has said so. */
  claimed: boolean
  /** Ended attempts not yet appended, by node key. */
  readonly ended: Map<string, AttemptResult>
  readonly running: Map<string, AbortController>
  /** Whether outcomes are appended one by one, since the database refused several together. */
  singly: boolean
  wake(): void
}

export async function driveTurn(deps: TurnDeps, held: HeldJob, { row, plan }: Loaded): Promise<void> {
  const turn: Turn = {
    deps,
    held,
    row,
    plan,
    scopes: createScopes(plan, row),
    state: initialState(plan, row.input),
    sequence: 0,
    claimed: held.job.retryCount === 0,
    ended: new Map(),
    running: new Map(),
    singly: false,
    wake: () => {},
  }
  if (row.lastSequence > 0) await reload(turn)
  const stop = (): void => turn.wake()
  held.lost.addEventListener('abort', stop)
  held.drain.addEventListener('abort', stop)
  try {
    while (!held.lost.aborted && (await step(turn))) await nextChange(turn)
  } finally {
    held.lost.removeEventListener('abort', stop)
    held.drain.removeEventListener('abort', stop)
    for (const abort of turn.running.values()) abort.abort()
  }
}

async function reload(turn: Turn): Promise<void> {
  const events = await outlast(() => turn.deps.eventLog.read(turn.row.id), turn.held.lost)
  turn.state = fold(turn.plan, initialState(turn.plan, turn.row.input), events)
  turn.sequence = events.length
}

/** Decides and appends once, and starts what may start; false when the turn is over for this process. */
async function step(turn: Turn): Promise<boolean> {
  const { plan, held } = turn
  const now = nowOf(turn.deps)
  const draft = draftOf(turn.state)

  if (!turn.claimed) {
    emit(plan, draft, { body: { type: 'execution_taken_over', payload: { claim: held.job.retryCount } }, at: now.at })
    restartLost(plan, draft, { reason: LOST_WORKER, now })
  }
  const settled = outcomesToSettle(turn)
  for (const [key, { outcome, edges }] of settled) settleAttempt(plan, draft, { key, outcome, edges, now })
  const leaving = decideFate(turn, draft, now)
  if (draft.events.length > 0) {
    const result = await append(turn, draft, leaving)
    if (result === 'refused') {
      const [culprit, another] = settled
      if (culprit === undefined || culprit[1] === REFUSED)
        throw new Error(`the database refuses the events of execution ${turn.row.id}`)
      if (another === undefined) turn.ended.set(culprit[0], REFUSED)
      turn.singly = true
      return step(turn)
    }
    if (result.kind === 'fenced') return false
    if (result.kind === 'behind') {
      await reload(turn)
      // Parked means that this turn ended: by an append whose answer was lost, or by the claim before ours.
      return turn.state.parkedReason === undefined && step(turn)
    }
    for (const [key] of settled) turn.ended.delete(key)
    turn.claimed = true
    count(turn, draft)
  }
  if (!leaving) startAttempts(turn)
  return !leaving
}

/** Outcomes of attempts that are still open; one that is recorded already (its append was committed unanswered) is done. */
function outcomesToSettle({ plan, state, ended, singly }: Turn): [string, AttemptResult][] {
  for (const key of ended.keys()) {
    if (state.nodes[plan.index.get(key) ?? -1]?.status !== 'running') ended.delete(key)
  }
  return [...ended].slice(0, singly ? 1 : undefined)
}

/** What happens next beyond the outcomes; true when this append ends the turn. */
function decideFate(turn: Turn, draft: Draft, now: Now): boolean {
  const { plan, held } = turn
  const say = (body: EventBody): void => emit(plan, draft, { body, at: now.at })
  const deadline = deadlineOf(turn)
  if (deadline !== undefined && now.at.getTime() >= deadline) {
    const message = `the execution took longer than ${plan.workflow.settings.timeout_ms} ms`
    failExecution(plan, draft, { error: { code: 'EXECUTION_TIMEOUT', message }, now })
  } else if (!held.drain.aborted) decideNext(plan, draft, now)
  if (isOver(draft.state)) return true

  if (draft.state.nodes.some(node => node.status === 'running')) {
    if (!held.drain.aborted || !drainIsOver(turn)) return false
    restartLost(plan, draft, { reason: DRAINED, now })
  }
  if (held.drain.aborted) {
    say({ type: 'execution_handed_over', payload: { reason: 'drain' } })
    return true
  }
  const retryAt = nextRetryAt(draft.state)
  if (retryAt === undefined || retryAt.getTime() - now.at.getTime() <= PARK_AFTER_MS) return false
  const wakeAt = deadline === undefined ? retryAt : new Date(Math.min(retryAt.getTime(), deadline))
  say({ type: 'execution_parked', payload: { reason: 'retry', wake_at: wakeAt.toISOString() } })
  return true
}

async function append(turn: Turn, draft: Draft, leaving: boolean): Promise<Appended | 'refused'> {
  const { deps, plan, held, row } = turn
  const claim = held.job.retryCount
  const before = turn.state
  let after = before
  const next =
    draft.state.turn > held.job.turn
      ? { id: turnJobId(row.id, draft.state.turn), executionId: row.id, turn: draft.state.turn, priority: row.priority }
      : undefined
  try {
    const result = await deps.eventLog.append(
      {
        executionId: row.id,
        fence: { sequence: turn.sequence, turn: held.job.turn, ...(turn.claimed ? { claim } : { claimBelow: claim }) },
        events: draft.events,
        project(at) {
          after = fold(
            plan,
            before,
            draft.events.map(body => ({ body, createdAt: at })),
          )
          return { execution: executionProjection(after), nodes: changedNodes(plan, row.id, { before, after }) }
        },
        ...(next ? { enqueue: next } : {}),
        ...(leaving ? { settle: held.job } : {}),
      },
      held.lost,
    )
    if (result.kind === 'appended') {
      turn.state = after
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

/** Begins the attempt of every node whose start is recorded and which this process does not run yet. */
function startAttempts(turn: Turn): void {
  const { plan, state } = turn
  for (const index of plan.waves[state.wave] ?? []) {
    const node = plan.nodes[index]
    if (node === undefined || state.nodes[index]?.status !== 'running') continue
    if (!turn.running.has(node.key) && !turn.ended.has(node.key)) startAttempt(turn, node)
  }
}

function startAttempt(turn: Turn, node: PlanNode): void {
  const { deps, plan, state, row, running, ended } = turn
  const abort = new AbortController()
  running.set(node.key, abort)
  const scope = turn.scopes.of(state, node)
  void deps.attempts
    .run(() => attempt(deps, { plan, node, executionId: row.id, state, scope, signal: abort.signal }))
    .then(result => {
      deps.metrics.nodeAttempts.inc({ type: node.type, outcome: result.outcome.kind })
      running.delete(node.key)
      ended.set(node.key, result)
      turn.wake()
    })
}

/** Waits for an outcome, a retry that is due, the deadline, a drain, or the loss of the claim. */
async function nextChange(turn: Turn): Promise<void> {
  const { deps, held } = turn
  if (turn.ended.size === 0 && !held.lost.aborted) {
    const now = deps.databaseClock.now()
    // A retry that cannot begin (no room, or a drain) is no reason to look: an attempt that ends is.
    const mayRetry = !held.drain.aborted && turn.running.size < MAX_RUNNING
    const instants = [mayRetry ? nextRetryAt(turn.state)?.getTime() : undefined, deadlineOf(turn)].filter(
      instant => instant !== undefined,
    )
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
  if (turn.running.size > 0) await new Promise(resolve => setImmediate(resolve))
}

function drainIsOver({ deps, held }: Turn): boolean {
  return deps.clock.monotonic() >= drainEnds(held.drain, deps)
}

function deadlineOf({ plan, state }: Turn): number | undefined {
  const timeout = plan.workflow.settings.timeout_ms
  return timeout === undefined || state.startedAt === undefined ? undefined : state.startedAt.getTime() + timeout
}

function nowOf(deps: TurnDeps): Now {
  return { at: new Date(deps.databaseClock.now()), random: Math.random() }
}

function count({ deps }: Turn, { state: { status } }: Draft): void {
  if (status === 'completed' || status === 'failed' || status === 'cancelled') deps.metrics.executions.inc({ status })
}
