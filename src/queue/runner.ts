// Holds jobs in slots: claims as many as there are free slots, renews the claims while they are worked on, and tells a
// worker when its claim is gone. Invariants:
// 1. A slot is refilled as soon as it is free; a slow job never holds up another.
// 2. A claim whose renewal the queue does not confirm, or that could not be renewed within the lease, is lost: its
//    worker is told before another process can have taken over for long, and the fence refuses what it still writes.
// 3. Jobs are settled by their workers, in the transaction of their last append; the runner settles nothing.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Service } from '../base/service.ts'
import type { Pulsed } from '../db/pulse.ts'
import type { Job, Queue } from './queue.ts'
import { claimable } from './queue-store.ts'
import { LEASE_SECONDS, queueOf } from './queues.ts'

export interface HeldJob {
  readonly job: Job
  /** Aborts when the claim is lost: drop everything, write nothing. */
  readonly lost: AbortSignal
  /** Aborts when the process wants to stop or the turn has become too long: end what runs, then hand over. */
  readonly drain: AbortSignal
}

export interface RunnerOptions {
  readonly queue: Queue
  /** Whose jobs it takes; absent = those of the default. */
  readonly pool?: string | undefined
  /** Jobs held at once. */
  readonly slots: number
  /** Longest wait before looking for jobs, milliseconds. */
  readonly pollInterval: number
  readonly clock: Clock
  readonly log: Logger
  /** Whether claims have to wait for something more urgent. */
  hold?(): boolean
  /** Works on a batch; one promise per job, settled when its slot is free again. */
  work(batch: readonly HeldJob[]): readonly Promise<void>[]
}

export interface Runner extends Service, Pulsed {
  /** Look for jobs now. */
  wake(): void
  held(): number
}

const MAX_FETCH = 200
const HELD_MS = 10
const RENEW_MS = (LEASE_SECONDS * 1000) / 3
const CHECK_MS = 1_000
/** A claim not renewed for this long is given up by its holder, before the queue gives it to another. */
const TRUST_MS = LEASE_SECONDS * 1000 - 1_000
/** pg-boss ends a job's life after a day. */
const LONG_TURN_MS = 12 * 3600 * 1000

interface Slot {
  readonly job: Job
  readonly lost: AbortController
  readonly drain: AbortController
  readonly claimedAt: number
  renewedAt: number
  done: Promise<void>
}

export function createRunner(options: RunnerOptions): Runner {
  const { queue, slots, clock, log } = options
  const held = new Map<string, Slot>()
  const source = queueOf(options.pool)
  let draining = false

  function take(jobs: readonly Job[], claimedAt: number): void {
    const batch = jobs.map((job): Slot => {
      const slot = {
        job,
        lost: new AbortController(),
        drain: new AbortController(),
        claimedAt,
        renewedAt: claimedAt,
        done: Promise.resolve(),
      }
      // A job that comes back to the process that lost it: there the earlier claim is lost, if it does not know yet.
      held.get(job.id)?.lost.abort()
      held.set(job.id, slot)
      return slot
    })
    const dones = options.work(batch.map(({ job, lost, drain }) => ({ job, lost: lost.signal, drain: drain.signal })))
    batch.forEach((slot, i) => {
      slot.done = (dones[i] ?? Promise.resolve())
        .catch(error =>
          log.error(
            { evt: 'runner.job_failed', err: error, executionId: slot.job.executionId },
            'a job was dropped; its claim will lapse',
          ),
        )
        .then(() => {
          if (held.get(slot.job.id) === slot) held.delete(slot.job.id)
          fetching.wake()
        })
    })
  }

  const fetching = createLoop({
    name: 'runner.fetch',
    clock,
    log,
    every: options.pollInterval,
    async tick() {
      const free = Math.min(slots - held.size, MAX_FETCH)
      if (free <= 0 || draining) return undefined
      if (options.hold?.()) return HELD_MS
      const claimedAt = clock.monotonic()
      const jobs = await queue.fetch(free, source)
      if (jobs.length > 0) take(jobs, claimedAt)
      return jobs.length > 0 ? 0 : undefined
    },
  })

  const renewing = createRenewal(options, held)
  const watching = createWatch(options, held)

  return {
    name: 'runner',
    async start() {
      await fetching.start()
      await renewing.start()
      await watching.start()
    },
    wake: () => fetching.wake(),
    question: { dueIn: claimable(source), wake: fetching.wake },
    held: () => held.size,
    async stop() {
      draining = true
      for (const slot of held.values()) slot.drain.abort()
      await fetching.stop()
      for (const slot of held.values()) slot.drain.abort() // what the last fetch brought
      await Promise.all([...held.values()].map(slot => slot.done))
      await renewing.stop()
      await watching.stop()
    },
  }
}

/** Renews the claims of what is held, and tells those that the queue no longer confirms. */
function createRenewal({ queue, clock, log }: RunnerOptions, held: ReadonlyMap<string, Slot>): Service {
  return createLoop({
    name: 'runner.renew',
    clock,
    log,
    every: RENEW_MS,
    async tick() {
      const startedAt = clock.monotonic()
      const renewed = [...held.values()]
      const kept = await queue.touch(renewed.map(slot => slot.job))
      for (const slot of renewed) {
        if (kept.has(slot.job.id)) slot.renewedAt = startedAt
        // A job settled a moment ago is no longer the queue's to renew, nor ours to hold.
        else if (held.get(slot.job.id) === slot) slot.lost.abort()
      }
      return undefined
    },
  })
}

/** Tells those that were not renewed in time, whatever the renewal is waiting for, and those that take too long. */
function createWatch({ clock, log }: RunnerOptions, held: ReadonlyMap<string, Slot>): Service {
  return createLoop({
    name: 'runner.watch',
    clock,
    log,
    every: CHECK_MS,
    async tick() {
      const now = clock.monotonic()
      for (const slot of held.values()) {
        if (now - slot.renewedAt > TRUST_MS) slot.lost.abort()
        if (now - slot.claimedAt > LONG_TURN_MS) slot.drain.abort()
      }
      return undefined
    },
  })
}
