// Works on turns in slots: claims jobs as long as slots are free, renews the claims while they are worked on, and tells a
// worker when its claim is gone. Invariants:
// 1. A slot is refilled as soon as it is free; a slow turn never holds up another: one that finds no slot here soon is
//    handed over to whoever has one.
// 2. A claim whose renewal the queue does not confirm, or that could not be renewed within the lease, is lost: its
//    workers are told before another process can have taken over for long, and the fence refuses what they still write.
// 3. A job of one turn is settled by its worker, in the transaction of its last append. A shared one is settled with the
//    next claims, or the next renewal if nothing is claimed by then, after each of its turns has ended: until then a crash
//    brings it back, with nothing left to say.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Service } from '../base/service.ts'
import type { Pulsed } from '../db/pulse.ts'
import { type Claimed, type ClaimedTurn, createClaimed } from './claimed.ts'
import type { Job, Queue } from './queue.ts'
import { claimable } from './queue-store.ts'
import { LEASE_SECONDS, MOST_TURNS, queueOf } from './queues.ts'

export interface HeldJob {
  readonly job: Job
  /** Aborts when the claim is lost: drop everything, write nothing. */
  readonly lost: AbortSignal
  /** Aborts when the turn is to end here: end what runs, then hand over. */
  readonly drain: AbortSignal
}

export interface RunnerOptions {
  readonly queue: Queue
  /** Whose jobs it takes; absent = those of the default. */
  readonly pool?: string | undefined
  /** Turns worked on at once. */
  readonly slots: number
  /** Longest wait before looking for jobs, milliseconds. */
  readonly pollInterval: number
  readonly clock: Clock
  readonly log: Logger
  /** Whether claims have to wait for something more urgent. */
  hold?(): boolean
  /** Works on a batch; one promise per turn, settled when its slot is free again. */
  work(batch: readonly HeldJob[]): readonly Promise<void>[]
}

export interface Runner extends Service, Pulsed {
  /** Look for jobs now. */
  wake(): void
  /** Turns with a slot. */
  held(): number
  /** Whether it could take one more. */
  hasRoom(): boolean
}

const MAX_FETCH = 200
const HELD_MS = 10
const RENEW_MS = (LEASE_SECONDS * 1000) / 3
const CHECK_MS = 1_000
/** A claim not renewed for this long is given up by its holder, before the queue gives it to another. */
const TRUST_MS = LEASE_SECONDS * 1000 - 1_000
/** pg-boss ends a job's life after a day. */
const LONG_TURN_MS = 12 * 3600 * 1000
/** A claimed turn waits no longer for a slot where it is: somebody else may have one. */
const PATIENCE_MS = 1_000

export function createRunner(options: RunnerOptions): Runner {
  const { queue, slots, clock, log } = options
  const claimed = createClaimed()
  let draining = false

  function begin(): void {
    const turns = claimed.next(slots)
    if (turns.length === 0) return
    const dones = options.work(turns.map(({ job, drain, of }) => ({ job, lost: of.lost.signal, drain: drain.signal })))
    turns.forEach((turn, i) => {
      turn.done = ended(turn, dones[i])
    })
  }

  async function ended(turn: ClaimedTurn, done: Promise<void> | undefined): Promise<void> {
    try {
      await done
      claimed.end(turn, 'ended')
    } catch (error) {
      log.error(
        { evt: 'runner.job_failed', err: error, executionId: turn.job.executionId },
        'a turn was dropped; the claim of its job will lapse',
      )
      claimed.end(turn, 'dropped')
    }
    fetching.wake()
  }

  const claim = createClaiming(options, claimed)
  const fetching = createLoop({
    name: 'runner.fetch',
    clock,
    log,
    every: options.pollInterval,
    async tick() {
      begin()
      const free = slots - claimed.working()
      if (free <= 0 || draining) return undefined
      if (options.hold?.()) return HELD_MS
      const hasMore = await claim(free)
      begin()
      return hasMore ? 0 : undefined
    },
  })
  const renewing = createRenewal(options, claimed)
  const watching = createWatch(options, claimed, fetching.wake)

  return {
    name: 'runner',
    async start() {
      await fetching.start()
      await renewing.start()
      await watching.start()
    },
    wake: () => fetching.wake(),
    question: { dueIn: claimable(queueOf(options.pool)), wake: fetching.wake },
    held: claimed.working,
    hasRoom: () => !draining && claimed.working() < slots,
    async stop() {
      draining = true
      claimed.handOver('all')
      await fetching.stop()
      claimed.handOver('all') // what the last fetch brought
      begin()
      await claimed.settled()
      await renewing.stop()
      await watching.stop()
      await settleFinished(queue, claimed)
    },
  }
}

/** Claims jobs for so many free slots; whether there were any. */
function createClaiming({ queue, pool, clock }: RunnerOptions, claimed: Claimed): (free: number) => Promise<boolean> {
  const source = queueOf(pool)
  /** How many turns a job is thought to carry, by the last that came: rather too many than claims without a slot. */
  let expected = MOST_TURNS
  return async free => {
    const at = clock.monotonic()
    const finished = claimed.finished()
    const turns = await queue.fetch(Math.ceil(Math.min(free, MAX_FETCH) / expected), source, finished)
    claimed.forget(finished)
    const jobs = claimed.add(turns, at)
    expected = jobs === 0 ? MOST_TURNS : Math.ceil(turns.length / jobs)
    return jobs > 0
  }
}

/** What no claim has settled yet: while all slots are taken, there may be none for hours. */
async function settleFinished(queue: Queue, claimed: Claimed): Promise<void> {
  const finished = claimed.finished()
  await queue.finish(finished)
  claimed.forget(finished)
}

/** Renews the claims of what is held, and tells those that the queue no longer confirms. */
function createRenewal({ queue, clock, log }: RunnerOptions, claimed: Claimed): Service {
  return createLoop({
    name: 'runner.renew',
    clock,
    log,
    every: RENEW_MS,
    async tick() {
      const startedAt = clock.monotonic()
      const renewed = claimed.jobs()
      const kept = await queue.touch(renewed.map(job => job.claim))
      for (const job of renewed) {
        if (kept.has(job.claim.id)) job.renewedAt = startedAt
        // A job settled a moment ago is no longer the queue's to renew, nor ours to hold.
        else if (claimed.isHeld(job)) claimed.lose(job)
      }
      await settleFinished(queue, claimed)
      return undefined
    },
  })
}

/** Tells those that were not renewed in time, whatever the renewal is waiting for, and those that take or wait too long. */
function createWatch({ clock, log }: RunnerOptions, claimed: Claimed, begin: () => void): Service {
  return createLoop({
    name: 'runner.watch',
    clock,
    log,
    every: CHECK_MS,
    async tick() {
      const now = clock.monotonic()
      for (const job of claimed.jobs()) if (now - job.renewedAt > TRUST_MS) claimed.lose(job)
      claimed.handOver('all', job => now - job.claimedAt > LONG_TURN_MS)
      if (claimed.handOver('waiting', job => now - job.claimedAt > PATIENCE_MS) > 0) begin()
      return undefined
    },
  })
}
