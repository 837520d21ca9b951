// The jobs one runner has claimed, and how far it is with the turns they carry: waiting for a slot, in one, or done.
// Nothing here asks the queue. Invariants:
// 1. Turns get slots in the order they were claimed in; those that are to be handed over need none, and do not wait.
// 2. Turns of a shared job do not share its fate: once it lost a worker, or a turn of it was dropped, each of the others
//    is handed over, to a job of its own.
// 3. A shared job is finished once each of its turns has ended; never if one was dropped, or if its claim was lost.
import type { Job, JobClaim } from './queue.ts'

/** A claimed job. */
export interface ClaimedJob {
  readonly claim: JobClaim
  readonly lost: AbortController
  readonly claimedAt: number
  renewedAt: number
  /** Turns that are not done. */
  readonly open: Set<ClaimedTurn>
  isDropped: boolean
}

/** A turn it carries. */
export interface ClaimedTurn {
  readonly of: ClaimedJob
  readonly job: Job
  readonly drain: AbortController
  /** Set when it is begun. */
  done: Promise<void> | undefined
}

export interface Claimed {
  /** Turns with a slot. */
  working(): number
  jobs(): ClaimedJob[]
  isHeld(job: ClaimedJob): boolean
  /** Resolves when all that has begun is done. */
  settled(): Promise<unknown>
  /** Adds what was claimed at an instant; how many jobs that is. */
  add(turns: readonly Job[], at: number): number
  /** Turns to begin now, with so many slots altogether. */
  next(slots: number): ClaimedTurn[]
  /** A turn has ended, or was dropped. */
  end(turn: ClaimedTurn, how: 'ended' | 'dropped'): void
  lose(job: ClaimedJob): void
  /** Those of these jobs that have no slot, or all of them, are to be handed over; how many there are. */
  handOver(which: 'all' | 'waiting', of?: (job: ClaimedJob) => boolean): number
  /** Shared jobs that are done with, and not known to be settled. */
  finished(): JobClaim[]
  /** They are settled. */
  forget(settled: readonly JobClaim[]): void
}

export function createClaimed(): Claimed {
  const jobs = new Map<string, ClaimedJob>()
  let waiting: ClaimedTurn[] = []
  const finished = new Set<JobClaim>()
  let working = 0

  /** A turn of it is done, or will never begin. */
  function close(turn: ClaimedTurn): void {
    const job = turn.of
    job.open.delete(turn)
    if (job.open.size > 0) return
    if (jobs.get(job.claim.id) === job) jobs.delete(job.claim.id)
    if (job.claim.isShared && !job.isDropped && !job.lost.signal.aborted) finished.add(job.claim)
  }

  function lose(job: ClaimedJob): void {
    job.lost.abort()
    const [gone = [], rest = []] = divide(waiting, turn => turn.of === job)
    waiting = rest
    for (const turn of gone) close(turn)
  }

  return {
    working: () => working,
    jobs: () => [...jobs.values()],
    isHeld: job => jobs.get(job.claim.id) === job,
    settled: () => Promise.all([...jobs.values()].flatMap(job => [...job.open].map(turn => turn.done))),
    add(turns, at) {
      const byJob = Map.groupBy(turns, turn => turn.id)
      for (const [id, carried] of byJob) {
        const [claim] = carried
        if (claim === undefined) continue
        // A job that comes back to the process that lost it: there the earlier claim is lost, if it does not know yet.
        const earlier = jobs.get(id)
        if (earlier !== undefined) lose(earlier)
        const job: ClaimedJob = {
          claim,
          lost: new AbortController(),
          claimedAt: at,
          renewedAt: at,
          open: new Set(),
          isDropped: false,
        }
        for (const turn of carried) job.open.add({ of: job, job: turn, drain: new AbortController(), done: undefined })
        if (claim.isShared && claim.retryCount > 0) for (const turn of job.open) turn.drain.abort()
        jobs.set(id, job)
        waiting.push(...job.open)
      }
      return byJob.size
    },
    next(slots) {
      let room = slots - working
      const [begun = [], rest = []] = divide(waiting, turn => turn.drain.signal.aborted || room-- > 0)
      waiting = rest
      working += begun.length
      return begun
    },
    end(turn, how) {
      working--
      if (how === 'dropped') {
        turn.of.isDropped = true
        for (const other of turn.of.open) other.drain.abort()
      }
      close(turn)
    },
    lose,
    handOver(which, of = () => true) {
      const turns = which === 'waiting' ? waiting : [...jobs.values()].flatMap(job => [...job.open])
      const chosen = turns.filter(turn => of(turn.of))
      for (const turn of chosen) turn.drain.abort()
      return chosen.length
    },
    finished: () => [...finished],
    forget(settled) {
      for (const claim of settled) finished.delete(claim)
    },
  }
}

function divide<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  const first: T[] = []
  const second: T[] = []
  for (const one of all) (isFirst(one) ? first : second).push(one)
  return [first, second]
}
