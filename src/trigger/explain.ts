// What became of an instant, or will become of it, and why: for every instant of the past and the future an answer.
//
// 1. The ledger comes first: what it holds is what happened. Where it holds nothing, the rules say why.
// 2. The future is foreseen by the functions the poller uses, with what stands now: nobody edits, daemons run.
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/errors.ts'
import { dependsOnBefore, disposeOwed, type Standing } from './dispose.ts'
import { exclusionsOf } from './exclusion.ts'
import type { Disposal } from './fire.ts'
import { type Fate, foresee, hasReachedLimit, isUnarmed } from './foresee.ts'
import type { DispositionReason } from './ledger.ts'
import { type NoSlot, whyNoSlot } from './no-slot.ts'
import type { LedgerEntry, Spec } from './past-store.ts'
import { UNARMED, UNCOUNTED } from './preview.ts'
import { neighbours, type Rule, ruleAt, rulesOf } from './rules.ts'
import { maxFires } from './schedule-policy.ts'
import { startPolicy } from './start-policy.ts'
import type { Subject } from './subject.ts'
import { isArmed, outOfService, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/**
 * `fired`, `buffered`, `coalesced`, `skipped`: what the ledger says. `owed`: not yet disposed of. `unrecorded`: a slot
 * without a row. `will_fire`, `will_skip`: what is foreseen. `no_slot`: nothing is owed at that instant.
 */
export type Outcome =
  | 'fired'
  | 'buffered'
  | 'coalesced'
  | 'skipped'
  | 'owed'
  | 'unrecorded'
  | 'will_fire'
  | 'will_skip'
  | 'no_slot'

export type Reason =
  | DispositionReason
  | NoSlot['reason']
  | 'uncounted'
  | 'disabled'
  | 'unarmed'
  | 'no_schedule'
  | 'not_created'
  | 'broken'

export interface Verdict {
  readonly outcome: Outcome
  readonly reason: Reason | null
  /** A sentence. */
  readonly text: string
}

export interface Explanation extends Verdict {
  readonly at: Date
  /** The row of the ledger that says so. */
  readonly fire: (LedgerEntry & { readonly lateness_ms: number | null }) | null
  /** The rule in force: its version, and when it was set. */
  readonly rule: { readonly spec_version: number; readonly valid_from: Date } | null
  /** The slots next to it. */
  readonly previous: Date | null
  readonly next: Date | null
}

export interface Past {
  readonly specs: readonly Spec[]
  /** Of the slots that are asked about, ascending, and the last one before them. */
  readonly entries: readonly LedgerEntry[]
}

/** Explains one instant after the other; ascending ones cost least. */
export type Explainer = (at: Instant) => Explanation

export function createExplainer(subject: Subject, { specs, entries }: Past): Explainer {
  const { now } = subject.prospect
  const rules = rulesOf(subject.trigger, specs, now)
  const foreseen = createOracle(subject)
  return at => {
    const rule = ruleAt(rules, at)
    const entry = entries.find(one => covers(one, at, rule))
    const { previous, next } = neighbours(rules, at)
    const verdict = judge({ subject, entries, foreseen, rule, entry }, at)
    return {
      at: new Date(at),
      ...verdict,
      fire: entry === undefined ? null : { ...entry, lateness_ms: entry.decidedAt.getTime() - at },
      rule: (rule && { spec_version: rule.trigger.specVersion, valid_from: new Date(rule.since) }) || null,
      previous: previous === null ? null : new Date(previous),
      next: next === null || verdict.reason === 'limit' ? null : new Date(next),
    }
  }
}

interface Case {
  readonly subject: Subject
  readonly entries: readonly LedgerEntry[]
  readonly foreseen: (slot: Instant) => Fate | null
  readonly rule: Rule | undefined
  readonly entry: LedgerEntry | undefined
}

/** The ends of a run are its slots by themselves; what lies between is in it if the rule names it. */
function covers({ slotAt, slotUntil }: LedgerEntry, at: Instant, rule: Rule | undefined): boolean {
  const [first, last] = [slotAt?.getTime() ?? Number.NaN, slotUntil?.getTime() ?? Number.NaN]
  return at === first || at === last || (first < at && at < last && rule?.schedule?.next(at - 1) === at)
}

const noSlot = (reason: Reason, text: string): Verdict => ({ outcome: 'no_slot', reason, text })

function judge(one: Case, at: Instant): Verdict {
  const { subject, rule, entry } = one
  if (entry !== undefined) return { outcome: entry.disposition, reason: entry.reason, text: whatBecame(one, entry, at) }
  if (rule === undefined) return noSlot('not_created', 'the trigger was not there yet')
  const { trigger, schedule, error } = rule
  if (error !== null) return noSlot('broken', `its rule cannot be computed: ${error}`)
  if (schedule === null) return noSlot('no_schedule', `a trigger of type ${trigger.type} has no slots`)
  const isSlot = schedule.next(at - 1) === at
  if (!isArmed(trigger)) {
    const isToCome = at > subject.prospect.now
    const otherwise = isSlot ? `; otherwise it would ${isToCome ? 'have' : 'have had'} a slot here` : ''
    const why = outOfService(trigger)
    return noSlot(why.reason, `the trigger ${isToCome ? 'is' : 'was'} ${why.text}${otherwise}`)
  }
  if (!isSlot) return { outcome: 'no_slot', ...whyNoSlot(trigger, at) }
  return at > subject.prospect.now ? whatWillBecome(one, at) : withoutRow(one, at)
}

/** What an overlap policy makes of a fire of which nobody knows how many executions it will meet. */
function unless({ config }: Trigger): string {
  const { concurrency, buffer } = startPolicy(config)
  if (!Number.isFinite(concurrency)) return ''
  const then = concurrency === 1 ? 'an execution of the trigger is' : `${concurrency} executions of the trigger are`
  return `, unless ${then} not over then: ${buffer === 0 ? 'it would be skipped' : 'it would wait'}`
}

const REASONS: Readonly<Record<Exclude<DispositionReason, 'excluded' | 'overlap'>, string>> = {
  misfire: 'its misfire policy did not let a slot that late fire',
  limit: 'the trigger had fired as often as max_fires allowed',
  bounds: 'it was out of bounds',
  paused: 'its executions failed, and it was about to be paused (pause_after_failures)',
  cooldown: 'the fire before was too recent (cooldown)',
  removed: 'the trigger was removed while it waited',
  debounce: 'a later event fired in its place',
  throttle: 'the trigger had fired as often as its throttle allowed',
  batch: 'it fired together with later events',
  window: 'it was one of several events in a window',
  loop: 'an execution of the same workflow had led to it',
  expression: 'its filter or group_by could not be evaluated',
}

/** Of a slot skipped for its overlap. */
function crowded(rule: Rule | undefined): string {
  if (rule === undefined) return 'executions of the trigger were not over'
  const { overlap, concurrency, buffer } = startPolicy(rule.trigger.config)
  const open = concurrency === 1 ? 'an execution of the trigger was' : `${concurrency} executions of the trigger were`
  const full = buffer === 0 ? '' : `, and ${buffer === 1 ? 'a fire' : `${buffer} fires`} waited before it`
  return `${open} not over${full} (overlap: ${overlap})`
}

function whatBecame({ subject, rule }: Case, entry: LedgerEntry, at: Instant): string {
  const { disposition, reason, decidedAt, bufferedAt, executionId, executionStatus } = entry
  const late = `${formatDuration(Math.max(0, decidedAt.getTime() - at))} after its time`
  if (disposition === 'buffered') return `buffered ${late}: it fires once executions before it are over`
  if (disposition === 'fired') {
    const fares = executionStatus === null ? 'is no longer kept' : `is ${executionStatus}`
    const waited =
      bufferedAt === null ? '' : `, of which it waited ${formatDuration(decidedAt.getTime() - bufferedAt.getTime())}`
    return `fired ${late}${waited}; its execution ${executionId} ${fares}`
  }
  if (disposition === 'coalesced') return `disposed of ${late}: a later slot fired in its place`
  if (reason === 'overlap') return `skipped ${late}: ${crowded(rule)}`
  if (reason !== 'excluded') return `skipped ${late}: ${REASONS[reason ?? 'paused']}`
  return `skipped: excluded by ${excludedBy(subject, rule, at) ?? 'a calendar that has changed since'}`
}

function excludedBy({ prospect }: Subject, rule: Rule | undefined, at: Instant): string | null {
  try {
    return (rule && exclusionsOf(rule.trigger, prospect.calendars)(at))?.by ?? null
  } catch {
    return null // a calendar of that rule is gone
  }
}

/** Of a slot of the past that an enabled rule named and the ledger does not hold. */
function withoutRow({ subject, entries, rule }: Case, at: Instant): Verdict {
  const { trigger, prospect } = subject
  if (isArmed(trigger) && prospect.cursor !== null && at >= prospect.cursor) return owed(subject, at)
  const before = entries.findLast(({ slotAt }) => slotAt !== null && slotAt.getTime() < at)
  const reached = before?.reason === 'limit' && (before.slotAt?.getTime() ?? 0) > (rule?.since ?? 0)
  if (reached) return noSlot('limit', 'the trigger had fired as often as max_fires allowed: its schedule had ended')
  const text =
    'the rule named it, but the ledger has no row: it was disabled or paused behind our back before, or the row is no longer kept'
  return { outcome: 'unrecorded', reason: null, text }
}

function owed(subject: Subject, at: Instant): Verdict {
  const late = `not yet disposed of, ${formatDuration(subject.prospect.now - at)} after its time`
  try {
    const disposal = disposalNow(subject, at)
    const reason = disposal?.reason ?? null
    const fate = disposal === null ? 'nothing' : `${disposal.disposition}${reason === null ? '' : ` (${reason})`}`
    return { outcome: 'owed', reason, text: `${late}; were a daemon to do it now, it would become: ${fate}` }
  } catch (error) {
    return { outcome: 'owed', reason: 'broken', text: `${late}; it cannot be: ${messageOf(error)}` }
  }
}

/** What the poller would decide about an owed slot, pass after pass. */
function disposalNow({ trigger, prospect, open, waiting, failing }: Subject, at: Instant): Disposal | null {
  const { now } = prospect
  let { cursor } = prospect
  let standing: Standing = { ...prospect, open, waiting, failing }
  while (cursor !== null && cursor <= at) {
    const pass = disposeOwed(trigger, { ...standing, cursor, now, room: Number.POSITIVE_INFINITY })
    const found = pass.disposals.find(({ slots }) => slots !== null && slots.from <= at && at <= slots.until)
    if (found !== undefined) return found
    standing = pass.standing
    cursor = pass.next
  }
  return null
}

/** Of a slot of the future that the enabled rule names. */
function whatWillBecome({ subject: { trigger, prospect }, foreseen }: Case, at: Instant): Verdict {
  if (isUnarmed(trigger, prospect)) return noSlot('unarmed', UNARMED)
  const limit = `max_fires is ${maxFires(trigger.config)}`
  if (hasReachedLimit(trigger, prospect)) return noSlot('limit', `its schedule has ended: ${limit}`)
  let fate: Fate | null
  try {
    fate = foreseen(at)
  } catch (error) {
    return noSlot('broken', `what becomes of it cannot be computed: ${messageOf(error)}`)
  }
  if (fate === null) return noSlot('limit', `by then its schedule will have ended: ${limit}`)
  switch (fate.kind) {
    case 'excluded':
      return { outcome: 'will_skip', reason: 'excluded', text: `it will be skipped: excluded by ${fate.by}` }
    case 'limit':
      return { outcome: 'will_skip', reason: 'limit', text: `it will be skipped, the last one to be owed: ${limit}` }
    case 'cooldown':
      return {
        outcome: 'will_skip',
        reason: 'cooldown',
        text: `it will be skipped: the fire before is too recent (cooldown: ${String(trigger.config.cooldown)})`,
      }
    case 'uncounted':
      return { outcome: 'will_fire', reason: 'uncounted', text: `it will fire, if the limit allows: ${UNCOUNTED}` }
    case 'fires': {
      return { outcome: 'will_fire', reason: null, text: `it will fire${unless(trigger)}` }
    }
  }
}

/** The fate of slots asked for in any order; null for one after the end. Ascending ones take one walk. */
function createOracle({ trigger, prospect }: Subject): (slot: Instant) => Fate | null {
  let walk = foresee(trigger, { ...prospect, from: prospect.now })
  let last: { readonly slot: Instant; readonly fate: Fate } | undefined
  return slot => {
    if (last === undefined || last.slot > slot || !dependsOnBefore(trigger)) {
      walk = foresee(trigger, { ...prospect, from: slot })
      last = walk.next().value ?? undefined
    }
    while (last !== undefined && last.slot < slot) last = walk.next().value ?? undefined
    return last?.slot === slot ? last.fate : null
  }
}
