// Reads what the fate of triggers' slots depends on besides their rules, for those triggers whose rules ask for it.
import type { Db, Tx } from '../db/pool.ts'
import { loadCalendars } from './calendar-store.ts'
import { ALWAYS } from './cooldown.ts'
import { limitsFires, type Standing } from './dispose.ts'
import { sharedCalendars } from './exclusion.ts'
import { countFired, countWaiting } from './ledger.ts'
import { buffers, countsFailures, limitsOverlap, rests, startPolicy } from './start-policy.ts'
import { countOpen, findFailing, loadCooldowns } from './start-store.ts'
import type { Trigger } from './trigger.ts'

export async function loadStanding(tx: Tx, triggers: readonly Trigger[]): Promise<(trigger: Trigger) => Standing> {
  const idsOf = (concerned: (trigger: Trigger) => boolean) => triggers.filter(concerned).map(({ id }) => id)
  const [open, waiting, fired, failing, resting, shared] = await Promise.all([
    countOpen(tx, idsOf(limitsOverlap)),
    countWaiting(tx, idsOf(buffers)),
    countFired(tx, idsOf(limitsFires)),
    failingOf(tx, triggers),
    loadCooldowns(tx, idsOf(rests)),
    loadCalendars(tx, [...new Set(triggers.flatMap(({ config }) => sharedCalendars(config)))]),
  ])
  const calendars = new Map(shared.map(({ name, form }) => [name, form]))
  return ({ id }) => ({
    open: open.get(id) ?? 0,
    waiting: waiting.get(id) ?? 0,
    fired: fired.get(id) ?? 0,
    failing: failing.has(id),
    restsUntil: resting.get(id) ?? ALWAYS,
    calendars,
  })
}

/** Those of which as many executions failed in a row as they bear. */
export function failingOf(db: Db, triggers: readonly Trigger[]): Promise<Set<string>> {
  const counted = triggers.filter(countsFailures)
  return findFailing(db, new Map(counted.map(({ id, config }) => [id, startPolicy(config).pauseAfter])))
}
