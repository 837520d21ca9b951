// What one pass over the inbox makes of the events it holds: who fires, what is gathered, what stays for the next pass.
//
// 1. An event is done with as a whole: unless the pass holds the mutex of every trigger that wants it, nothing of it
//    happens, and it stays.
// 2. A trigger that was edited since the event was judged judges it anew, in the next pass.
import type { Disposal } from '../trigger/fire.ts'
import { isArmed, type Trigger } from '../trigger/trigger.ts'
import type { Instant } from '../trigger/trigger-type.ts'
import { eventBytes } from './cloud-event.ts'
import { unfired } from './disposal.ts'
import { arrive, type Group, type Verdict } from './gather.ts'
import type { GroupChange, GroupName } from './group-store.ts'
import type { Judged, Judgement } from './judge.ts'
import type { Fault } from './store.ts'

/** The events of which all that want them are held as they were when they judged. */
export function settled(judged: readonly Judged[], held: ReadonlyMap<string, Trigger>): Judged[] {
  return judged.filter(({ judgements }) =>
    judgements.every(({ trigger: { id, specVersion } }) => {
      const present = held.get(id)
      return present !== undefined && isArmed(present) && present.specVersion === specVersion
    }),
  )
}

export function groupNamesIn(judged: readonly Judged[]): GroupName[] {
  const names = judged.flatMap(({ judgements }) =>
    judgements.flatMap(one =>
      one.kind === 'wanted' && one.gathering !== null ? [{ triggerId: one.trigger.id, groupKey: one.groupKey }] : [],
    ),
  )
  return [...new Map(names.map(name => [groupId(name), name])).values()]
}

export const groupId = ({ triggerId, groupKey }: GroupName): string => `${triggerId} ${groupKey}`

export interface Pass {
  /** Rows of the ledger that stand for no fire. */
  readonly refusals: readonly Disposal[]
  readonly verdicts: ReadonlyMap<Trigger, readonly Verdict[]>
  readonly changes: readonly GroupChange[]
}

/** The events come in the order in which they were received. */
export function passOver(judged: readonly Judged[], groups: ReadonlyMap<string, Group>, now: Instant): Pass {
  const refusals: Disposal[] = []
  const verdicts = new Map<string, { readonly trigger: Trigger; readonly list: Verdict[] }>()
  const after = new Map<string, GroupName & { group: Group | null }>()
  for (const { event, judgements } of judged) {
    for (const judgement of judgements) {
      const { trigger } = judgement
      if (judgement.kind !== 'wanted') {
        const reason = judgement.kind === 'loop' ? 'loop' : 'expression'
        refusals.push(unfired(trigger, event.id, { disposition: 'skipped', reason }))
        continue
      }
      const { gathering, groupKey, part } = judgement
      const name = { triggerId: trigger.id, groupKey }
      const id = groupId(name)
      const present = after.has(id) ? (after.get(id)?.group ?? null) : (groups.get(id) ?? null)
      const member = {
        eventId: event.id,
        at: event.receivedAt.getTime(),
        part,
        bytes: gathering === null ? 0 : eventBytes(event),
      }
      const found =
        gathering === null
          ? { verdicts: [{ kind: 'fire' as const, members: [member] }], group: null }
          : arrive(gathering, present, { ...member, now })
      if (gathering !== null) after.set(id, { ...name, group: found.group })
      const known = verdicts.get(trigger.id) ?? { trigger, list: [] }
      known.list.push(...found.verdicts)
      verdicts.set(trigger.id, known)
    }
  }
  const changes = [...after].map(([id, { group, ...name }]) => ({
    ...name,
    before: groups.get(id) ?? null,
    after: group,
  }))
  return { refusals, verdicts: new Map([...verdicts.values()].map(({ trigger, list }) => [trigger, list])), changes }
}

/** What the inbox remembers of the judgements that failed; null when none did. */
export function faultsIn(judgements: readonly Judgement[]): Fault[] | null {
  const faults = judgements.flatMap(one =>
    one.kind === 'fault' ? [{ trigger: `${one.trigger.workflowName}/${one.trigger.key}`, message: one.message }] : [],
  )
  return faults.length === 0 ? null : faults
}
