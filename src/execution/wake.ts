// Timers and second chances: wakes parked executions whose time has come, gives a new job to executions that lost theirs,
// and ends those that lost every worker that took them. Each is one fenced append, so any number of daemons may do this
// at once and nothing happens twice.
import type { Clock } from '../base/clock.ts'
import { failpoint } from '../base/failpoint.ts'
import { createLoop, type Loop } from '../base/service.ts'
import { LOOK_ANYWAY_MS, type Pulsed } from '../db/pulse.ts'
import type { Append, Appended } from '../event/append.ts'
import type { EventBody } from '../event/event.ts'
import type { EventLog } from '../event/event-log.ts'
import type { Job, NewJob, Queue } from '../queue/queue.ts'
import { queues } from '../queue/queues.ts'
import type { Catalog } from '../workflow/catalog.ts'
import { abandonCompensation } from './compensation.ts'
import { cancelExecution, failExecution } from './decide.ts'
import { draftOf, emit } from './draft.ts'
import { fold } from './evolve.ts'
import { planOf } from './item.ts'
import { type OnFailureDeps, withHandler } from './on-failure.ts'
import { changedNodes, executionProjection, jobIdOf, openProjection, turnJob } from './projection.ts'
import { initialState, isCancelling, isOver } from './state.ts'
import { type ExecutionRow, findDue, findSilent, loadExecutions, timerDueIn } from './store.ts'

export interface WakeDeps extends OnFailureDeps {
  readonly queue: Queue
  readonly eventLog: EventLog
  readonly catalog: Catalog
  readonly clock: Clock
}

const BATCH = 200
/** Times seldom come alone: after one that came there is another look, milliseconds later. */
const SOON_MS = 50
const RESCUE_MS = 15_000
/** An execution that has not moved for this long and has no job is rescued. Milliseconds. */
const SILENCE_MS = 60_000
/** An append without an answer for so long is left to the next pass, of whichever daemon. Milliseconds. */
const GIVE_UP_MS = 3_000
const NIL = '00000000-0000-0000-0000-000000000000'

/** Wakes what is due; resolves to how many were, whether this daemon woke them or another one. */
export async function wakeDue({ pool, queue, eventLog }: WakeDeps): Promise<number> {
  const due = await findDue(pool, BATCH)
  if (due.length === 0) return 0
  failpoint('wake.before')
  const results = await Promise.all(
    due.map(row => eventLog.append(nextTurn(row, { type: 'execution_woken', payload: {} }), soon())),
  )
  failpoint('wake.after')
  const left = due.filter((row, i) => row.parkedReason === 'pool' && results[i]?.kind === 'appended')
  // What a crash leaves in the queue of a pool is of a turn that is over: whoever takes it settles it.
  await queue.withdraw(pool, left.map(jobOf))
  return due.length
}

/** The job of its turn. */
function jobOf(row: ExecutionRow): NewJob {
  return turnJob(row, { turn: row.turn, pool: row.pool ?? undefined })
}

/** Gives a new job to executions that should have one and do not; resolves to how many. */
export async function rescueSilent({ pool, queue, eventLog, log }: WakeDeps, silence = SILENCE_MS): Promise<number> {
  let rescued = 0
  let after = NIL
  for (;;) {
    const silent = await findSilent(pool, { silence, after, limit: BATCH })
    const live = await queue.live(silent.map(jobIdOf))
    const lost = silent.filter(row => !live.has(jobIdOf(row)))
    const results = await Promise.all(
      lost.map(row => eventLog.append(nextTurn(row, { type: 'execution_rescued', payload: {} }), soon())),
    )
    for (const row of lost) log.warn({ evt: 'execution.rescued', executionId: row.id }, 'an execution had lost its job')
    rescued += results.filter(appended).length
    if (silent.length < BATCH) return rescued
    after = silent.at(-1)?.id ?? NIL
  }
}

/**
 * Fails executions whose job went to the dead letters; resolves to how many. One that cannot be buried now comes again.
 * Of a shared job it is not known which of them its workers were lost to: each gets a job of its own.
 */
export async function buryDead(deps: WakeDeps): Promise<number> {
  const { pool, queue, log } = deps
  const dead = await queue.fetch(BATCH, queues.dead.name)
  const ids = dead.map(job => job.executionId)
  const rows = new Map((await loadExecutions(pool, ids)).map(row => [row.id, row]))
  const unburied = new Set<string>()
  let buried = 0
  for (const job of dead) {
    const row = rows.get(job.executionId)
    try {
      if (row?.turn === job.turn && (await (job.isShared ? separate(deps, row) : bury(deps, row, job)))) buried++
      await queue.settle(pool, [job])
    } catch (error) {
      unburied.add(job.id)
      log.error({ evt: 'execution.bury_failed', err: error, executionId: job.executionId }, 'will try again')
    }
  }
  const shared = new Map(dead.flatMap(job => (job.isShared && !unburied.has(job.id) ? [[job.id, job] as const] : [])))
  await queue.finish([...shared.values()])
  return buried
}

/** Gives it a job of its own. */
async function separate({ eventLog, log }: WakeDeps, row: ExecutionRow): Promise<boolean> {
  if (row.parkedReason !== null || (row.status !== 'pending' && row.status !== 'running')) return false
  log.warn({ evt: 'execution.rescued', executionId: row.id }, 'the job that it shares lost every worker that took it')
  return appended(await eventLog.append(nextTurn(row, { type: 'execution_rescued', payload: {} }), soon()))
}

async function bury(deps: WakeDeps, row: ExecutionRow, job: Job): Promise<boolean> {
  const { eventLog, catalog, log } = deps
  const plan = planOf(await catalog.plan(row.workflowId), row)
  const events = await eventLog.read(row.id)
  const before = fold(plan, initialState(plan, row.input), events)
  if (isOver(before)) return false
  const draft = draftOf(before)
  const message = `every worker that took it was lost (${queues.exec.options.retryLimit + 1} times)`
  const now = { at: new Date(), random: 0 }
  const error = { code: 'WORKER_LOST', message }
  if (before.compensation !== undefined) abandonCompensation(plan, draft, { error, now })
  else if (isCancelling(before)) cancelExecution(plan, draft, now)
  else failExecution(plan, draft, { error, now })
  // What it had done may still be undone, by workers that are not lost.
  if (!isOver(draft.state)) emit(plan, draft, { body: { type: 'execution_rescued', payload: {} }, at: now.at })
  const burial: Append = {
    executionId: row.id,
    fence: { sequence: events.length, turn: job.turn },
    events: draft.events,
    ...(draft.state.turn > job.turn && { enqueue: turnJob(row, draft.state) }),
    project(at) {
      const after = fold(
        plan,
        before,
        draft.events.map(body => ({ body, createdAt: at })),
      )
      return { execution: executionProjection(after), nodes: changedNodes(plan, row.id, { before, after }) }
    },
  }
  const result = await eventLog.append(await withHandler(deps, { row, plan }, burial), soon())
  log.error({ evt: 'execution.buried', executionId: row.id }, 'an execution lost every worker that took it')
  return appended(result)
}

/** An append that raises the turn of an execution no worker holds; its other columns stay as they are. */
function nextTurn(row: ExecutionRow, body: EventBody): Append {
  const turn = row.turn + 1
  // See `execution_rescued` in evolve.ts; what is woken was parked.
  const pool = row.parkedReason === null ? (row.pool ?? undefined) : undefined
  return {
    executionId: row.id,
    fence: { sequence: row.lastSequence, turn: row.turn, claim: row.claim },
    events: [body],
    project: () => ({
      execution: openProjection(row, { turn, claim: 0, wakeAt: undefined, parkedReason: undefined, pool }),
      nodes: [],
    }),
    enqueue: turnJob(row, { turn, pool }),
  }
}

function soon(): AbortSignal {
  return AbortSignal.timeout(GIVE_UP_MS)
}

function appended(result: Appended): boolean {
  return result.kind === 'appended'
}

export function createWakeServices(deps: WakeDeps, wakeRunner: () => void): { timers: Loop & Pulsed; rescue: Loop } {
  const { clock, log } = deps
  const timers = createLoop({
    name: 'wake',
    clock,
    log,
    every: LOOK_ANYWAY_MS,
    async tick() {
      const due = await wakeDue(deps)
      if (due === 0) return undefined
      wakeRunner()
      return due === BATCH ? 0 : SOON_MS
    },
  })
  const rescue = createLoop({
    name: 'rescue',
    clock,
    log,
    every: RESCUE_MS,
    async tick() {
      // The dead first: an execution without a job because it lost every worker is not to be given another.
      const buried = await buryDead(deps)
      const rescued = await rescueSilent(deps)
      if (rescued > 0) wakeRunner()
      return buried >= BATCH ? 0 : undefined // those of shared jobs are more
    },
  })
  return { timers: { ...timers, question: { dueIn: timerDueIn, wake: timers.wake } }, rescue }
}
