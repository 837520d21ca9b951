// The drain of the inbox: judges what waits, and fires. Invariants:
// 1. What waits is asked for by `processed_at is null`, and claimed with SKIP LOCKED: any number of drains may run, and
//    an event whose transaction commits late is not stepped over.
// 2. Everything that comes of an event (ledger, executions, jobs, groups) and its being processed are one transaction; a
//    drain that dies has done nothing.
// 3. Triggers fire under their mutex, and only as they were when they judged the event.
// 4. Expressions are evaluated before the transaction. What a slow one delays is bounded by a budget of time.
// 5. A group is closed by its instant once nothing waits that was received before, so that a backlog is seen first.
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import { findByKey } from '../db/by-key.ts'
import { databaseNow } from '../db/database-time.ts'
import { isTransient, type Pool, type Tx } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import type { Evaluator } from '../expression/expression.ts'
import { disarm } from '../trigger/arm.ts'
import { eventRuleOf, type Gathering } from '../trigger/event-config.ts'
import { type Disposal, type FireDeps, type Fired, fire } from '../trigger/fire.ts'
import { holdTriggers, listEventTriggers } from '../trigger/hold.ts'
import { loadStanding } from '../trigger/standing.ts'
import type { Trigger } from '../trigger/trigger.ts'
import { disposalsOf, type FiringEvent } from './disposal.ts'
import { lapse, type Verdict } from './gather.ts'
import { type GroupChange, inboxDueIn, loadDueGroups, loadGroups, nextGroupIn, saveGroups } from './group-store.ts'
import { type Candidate, type Judged, judge } from './judge.ts'
import { faultsIn, groupId, groupNamesIn, passOver, settled } from './pass.ts'
import { claimEvents, loadEvents, loadUnprocessed, markProcessed, type WaitingEvent } from './store.ts'

export interface DrainDeps extends FireDeps {
  readonly pool: Pool
  readonly evaluator: Evaluator
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two looks, milliseconds. */
  readonly pollInterval: number
  /** Called after a pass that started executions. */
  onFired?(): void
}

/** Events looked at in one pass. */
const BATCH = 200
/** Groups closed in one pass. */
const GROUPS = 50
/** Events judged at the same time. */
const ABREAST = 10
/** Rows of the ledger one pass writes, give or take those of a few events. */
const MAX_DISPOSALS = 2_000
/** How long a pass may judge before it writes what it has. Milliseconds. */
const JUDGING_MS = 500
/** What somebody else holds, or nobody was free to evaluate, is looked at again after this. Milliseconds. */
const CONTENDED_MS = 20

export interface DrainReport {
  /** Events that are done with. */
  readonly processed: number
  readonly fired: readonly Fired[]
  /** Milliseconds until there could be more to do; null when nothing is foreseen. */
  readonly nextIn: number | null
}

export function createDrain(deps: DrainDeps): Loop & Pulsed {
  const loop = createLoop({
    name: 'inbox',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    tick: async () => (await tick(deps)).nextIn ?? undefined,
  })
  return { ...loop, question: { dueIn: inboxDueIn, wake: loop.wake } }
}

/** One pass over the groups that are due, and over what waits. */
export async function tick(deps: DrainDeps): Promise<DrainReport> {
  const closed = await closeGroups(deps)
  const waiting = await loadUnprocessed(deps.pool, BATCH)
  const drained = waiting.length > 0 ? await drain(deps, waiting) : NOTHING
  const { processed, fired } = sum([closed, drained])
  if (fired.length > 0) {
    deps.onFired?.()
    deps.log.info({ evt: 'inbox.fired', count: fired.length }, 'events fired')
  }
  if (waiting.length > 0) return { processed, fired, nextIn: processed > 0 ? 0 : CONTENDED_MS }
  const nextIn = await nextGroupIn(deps.pool)
  return { processed, fired, nextIn: nextIn === null ? null : Math.max(Math.ceil(nextIn), CONTENDED_MS) }
}

type Done = Pick<DrainReport, 'processed' | 'fired'>

const NOTHING: Done = { processed: 0, fired: [] }

function sum(done: readonly Done[]): Done {
  return {
    processed: done.reduce((total, one) => total + one.processed, 0),
    fired: done.flatMap(one => one.fired),
  }
}

async function drain(deps: DrainDeps, waiting: readonly WaitingEvent[]): Promise<Done> {
  // Read after the events: whoever applied a trigger before an event was sent finds it here.
  const candidates = await loadCandidates(deps)
  const judged: Judged[] = []
  const startedAt = deps.clock.monotonic()
  let found = 0
  for (let i = 0; i < waiting.length && found < MAX_DISPOSALS; i += ABREAST) {
    const some = waiting.slice(i, i + ABREAST)
    const results = await Promise.all(some.map(event => judge(event, candidates, deps.evaluator)))
    judged.push(...results.filter(one => one !== null))
    found += results.reduce((sum, one) => sum + (one?.judgements.length ?? 0), 0)
    if (deps.clock.monotonic() - startedAt > JUDGING_MS) break
  }
  return judged.length === 0 ? NOTHING : disposeOf(deps, judged)
}

/** A trigger whose rule cannot be read, for somebody wrote it past us, is disarmed with the error, alone. */
async function loadCandidates(deps: DrainDeps): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const trigger of await listEventTriggers(deps.pool)) {
    try {
      candidates.push({ trigger, rule: eventRuleOf(trigger.config) })
    } catch (error) {
      await disarm(deps, trigger, messageOf(error))
    }
  }
  return candidates
}

/** In one transaction. If that fails for good, in halves, so that an event that cannot be processed stays behind alone. */
async function disposeOf(deps: DrainDeps, judged: readonly Judged[]): Promise<Done> {
  try {
    return await deps.pool.transaction(tx => disposeIn(tx, deps, judged))
  } catch (error) {
    if (isTransient(error) || judged.length === 1) throw error
    const half = judged.length >> 1
    const done: Done[] = []
    for (const some of [judged.slice(0, half), judged.slice(half)])
      await disposeOf(deps, some).then(
        one => done.push(one),
        () => {},
      )
    if (done.length === 0) throw error
    if (done.length === 1) deps.log.error({ evt: 'inbox.stuck', err: error }, 'events could not be processed and stay')
    return sum(done)
  }
}

async function disposeIn(tx: Tx, deps: DrainDeps, judged: readonly Judged[]): Promise<Done> {
  const triggerIds = new Set(judged.flatMap(({ judgements }) => judgements.map(({ trigger }) => trigger.id)))
  const [, claimed, held] = await Promise.all([
    findByKey(tx),
    claimEvents(
      tx,
      judged.map(({ event }) => event.id),
    ),
    holdTriggers(tx, [...triggerIds].sort()),
  ])
  const ours = settled(
    judged.filter(({ event }) => claimed.has(event.id)),
    held,
  )
  if (ours.length === 0) return NOTHING
  const [now, groups] = await Promise.all([databaseNow(tx), loadGroups(tx, groupNamesIn(ours))])
  const { refusals, verdicts, changes } = passOver(
    ours,
    new Map(groups.map(one => [groupId(one), one.group])),
    now.getTime(),
  )
  const events = new Map(ours.map(({ event }) => [event.id, event]))
  const disposals = [...refusals, ...(await disposalsFor(tx, { verdicts, atHand: events, now }))]
  const [{ fired }] = await Promise.all([
    fire(tx, deps, { disposals, now }),
    saveGroups(tx, changes),
    markProcessed(
      tx,
      ours.map(({ event, judgements }) => ({ id: event.id, faults: faultsIn(judgements) })),
    ),
  ])
  return { processed: ours.length, fired }
}

async function closeGroups(deps: DrainDeps): Promise<Done> {
  const due = await loadDueGroups(deps.pool, GROUPS)
  if (due.length === 0) return NOTHING
  return deps.pool.transaction(async tx => {
    const ids = [...new Set(due.map(({ triggerId }) => triggerId))].sort()
    const [, held] = await Promise.all([findByKey(tx), holdTriggers(tx, ids)])
    const ours = due.filter(({ triggerId }) => held.has(triggerId))
    const [now, groups] = await Promise.all([databaseNow(tx), loadGroups(tx, ours)])
    const verdicts = new Map<Trigger, Verdict[]>()
    const changes: GroupChange[] = []
    for (const { group, ...name } of groups) {
      const trigger = held.get(name.triggerId)
      if (trigger === undefined || group.dueAt > now.getTime()) continue
      const { verdicts: found, group: after } = lapse(gatheringOf(trigger), group, now.getTime())
      verdicts.set(trigger, [...(verdicts.get(trigger) ?? []), ...found])
      changes.push({ ...name, before: group, after })
    }
    const disposals = await disposalsFor(tx, { verdicts, atHand: new Map(), now })
    const [{ fired }] = await Promise.all([fire(tx, deps, { disposals, now }), saveGroups(tx, changes)])
    return { processed: 0, fired }
  })
}

/** Null where the trigger gathers nothing any more, or nobody can tell. */
function gatheringOf({ type, config }: Trigger): Gathering | null {
  try {
    return type === 'event' ? eventRuleOf(config).gathering : null
  } catch {
    return null
  }
}

interface Decided {
  readonly verdicts: ReadonlyMap<Trigger, readonly Verdict[]>
  readonly atHand: ReadonlyMap<string, FiringEvent>
  readonly now: Date
}

/** Reads what the verdicts need beside the events at hand. */
async function disposalsFor(tx: Tx, { verdicts, atHand, now }: Decided): Promise<Disposal[]> {
  const firing = [...verdicts.values()]
    .flat()
    .flatMap(one => (one.kind === 'fire' ? one.members.map(({ eventId }) => eventId) : []))
  const [standing, others] = await Promise.all([
    loadStanding(tx, [...verdicts.keys()]),
    loadEvents(
      tx,
      firing.filter(id => !atHand.has(id)),
    ),
  ])
  const events = new Map<string, FiringEvent>([...atHand, ...others.map(event => [event.id, event] as const)])
  return [...verdicts].flatMap(([trigger, list]) =>
    disposalsOf({ trigger, verdicts: list, events, standing: standing(trigger), now: now.getTime() }),
  )
}
