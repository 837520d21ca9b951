// What becomes of events that belong together, one after the other: debounce, throttle, batch, and the windows of any_of
// and all_of. Pure: a group and an event make verdicts and the group as it is afterwards.
//
// 1. Every event gets one verdict, at once or later; until then it is a member of the group. (The members of a throttle
//    have theirs: they are remembered because they fired.)
// 2. Windows are measured by the instants at which events were received, so that a scheduler that was down for an hour
//    decides as one that was not. A throttle counts the instants of fires: it is there for what they start.
import type { Gathering } from '../trigger/event-config.ts'
import type { Instant } from '../trigger/trigger-type.ts'

export interface Member {
  readonly eventId: string
  /** When it was received; of a throttle's, when it fired. */
  readonly at: Instant
  /** The selector it stands for. */
  readonly part: number
  readonly bytes: number
}

export interface Group {
  /** How it was gathered, as `gatheringName` has it. */
  readonly gathering: string
  readonly openedAt: Instant
  /** When it is to be closed. */
  readonly dueAt: Instant
  readonly members: readonly Member[]
}

export type WithoutFire = 'debounce' | 'throttle' | 'batch' | 'window'

export type Verdict =
  /** They fire together; the last one stands for them. */
  | { readonly kind: 'fire'; readonly members: readonly Member[] }
  /** Another event fires, or fired, in its place. */
  | { readonly kind: 'coalesce'; readonly member: Member; readonly reason: WithoutFire }
  | { readonly kind: 'skip'; readonly member: Member; readonly reason: WithoutFire }

export interface Gathered {
  readonly verdicts: readonly Verdict[]
  /** Null: nothing is to be remembered. */
  readonly group: Group | null
}

/** A batch is fired before it grows larger, whatever its size may be. */
export const MAX_BATCH_BYTES = 1024 * 1024

export function gatheringName(gathering: Gathering): string {
  return gathering.kind === 'all' ? `all:${gathering.name}` : gathering.kind
}

/** An event arrives; `now` is when it is looked at. */
export function arrive(
  gathering: Gathering,
  before: Group | null,
  arrival: Member & { readonly now: Instant },
): Gathered {
  const { now, ...member } = arrival
  const name = gatheringName(gathering)
  const isOver = before !== null && (before.gathering !== name || isClosedBy(gathering, before, member))
  const closed: Gathered = isOver ? close(before) : { verdicts: [], group: before }
  const { verdicts, group } = join(gathering, closed.group ?? opened(name, member), { member, now })
  return { verdicts: [...closed.verdicts, ...verdicts], group }
}

const opened = (gathering: string, { at }: Member): Group => ({ gathering, openedAt: at, dueAt: at, members: [] })

/** Whether an event comes too late, or is too large, for a group that is still open. */
function isClosedBy({ kind }: Gathering, { dueAt, members }: Group, { at, bytes }: Member): boolean {
  if (kind === 'throttle' || kind === 'all') return false // they forget member by member
  if (at >= dueAt) return true
  return kind === 'batch' && members.reduce((sum, one) => sum + one.bytes, bytes) > MAX_BATCH_BYTES
}

/** The group's time has come; `gathering` is the present rule's. */
export function lapse(gathering: Gathering | null, group: Group, now: Instant): Gathered {
  if (gathering?.kind !== 'all' || gatheringName(gathering) !== group.gathering) return close(group)
  const { within } = gathering
  return remember(group, { keep: group.members.filter(({ at }) => at > now - within), within })
}

/** Ends a group for good, whatever the present rule is. */
function close({ gathering, members }: Group): Gathered {
  if (gathering === 'debounce' || gathering === 'batch') return { verdicts: [fired(members)], group: null }
  if (!gathering.startsWith('all:')) return { verdicts: [], group: null }
  return { verdicts: members.map(member => ({ kind: 'skip', member, reason: 'window' })), group: null }
}

const fired = (members: readonly Member[]): Verdict => ({ kind: 'fire', members })

interface Joining {
  readonly member: Member
  readonly now: Instant
}

function join(gathering: Gathering, group: Group, { member, now }: Joining): Gathered {
  switch (gathering.kind) {
    case 'debounce':
      return joinDebounce(gathering, group, member)
    case 'throttle':
      return joinThrottle(gathering, group, { ...member, at: now })
    case 'batch': {
      const members = [...group.members, member].sort(byTime)
      if (members.length >= gathering.size) return { verdicts: [fired(members)], group: null }
      const openedAt = Math.min(group.openedAt, member.at)
      return { verdicts: [], group: { ...group, openedAt, dueAt: openedAt + gathering.within, members } }
    }
    case 'first':
      if (group.dueAt > group.openedAt) return { verdicts: [{ kind: 'coalesce', member, reason: 'window' }], group }
      return { verdicts: [fired([member])], group: { ...group, dueAt: member.at + gathering.within } }
    case 'all':
      return joinAll(gathering, group, member)
  }
}

const byTime = (a: Member, b: Member): number => a.at - b.at || (a.eventId < b.eventId ? -1 : 1)

function joinDebounce(
  { quiet, maxWait }: Extract<Gathering, { kind: 'debounce' }>,
  group: Group,
  member: Member,
): Gathered {
  const members = [...group.members, member].sort(byTime)
  const openedAt = Math.min(group.openedAt, member.at)
  const dueAt = Math.min(openedAt + maxWait, Math.max(group.dueAt, member.at + quiet))
  return {
    verdicts: members.slice(0, -1).map(earlier => ({ kind: 'coalesce', member: earlier, reason: 'debounce' })),
    group: { ...group, openedAt, dueAt, members: members.slice(-1) },
  }
}

function joinThrottle({ max, per }: Extract<Gathering, { kind: 'throttle' }>, group: Group, member: Member): Gathered {
  const recent = group.members.filter(({ at }) => at > member.at - per)
  const isFree = recent.length < max
  const members = isFree ? [...recent, member] : recent
  const [first = member] = members
  const verdict: Verdict = isFree ? fired([member]) : { kind: 'skip', member, reason: 'throttle' }
  const dueAt = (members.at(-1) ?? member).at + per
  return { verdicts: [verdict], group: { ...group, openedAt: first.at, dueAt, members } }
}

function joinAll({ parts, within }: Extract<Gathering, { kind: 'all' }>, group: Group, member: Member): Gathered {
  const rival = group.members.find(({ part }) => part === member.part)
  const [fresh, stale] = rival !== undefined && byTime(member, rival) < 0 ? [rival, member] : [member, rival]
  const candidates = [...group.members.filter(one => one !== rival), fresh]
  const newest = Math.max(...candidates.map(({ at }) => at))
  const { verdicts, group: left } = remember(group, {
    keep: candidates.filter(({ at }) => at > newest - within),
    within,
    among: candidates,
  })
  const replaced: Verdict[] = stale === undefined ? [] : [{ kind: 'coalesce', member: stale, reason: 'window' }]
  if (left?.members.length !== parts) return { verdicts: [...replaced, ...verdicts], group: left }
  return { verdicts: [...replaced, fired([...left.members].sort(byTime))], group: null }
}

/** Of the members of an `all` those that may still find the others. */
function remember(
  group: Group,
  { keep, within, among = group.members }: { keep: readonly Member[]; within: number; among?: readonly Member[] },
): Gathered {
  const dropped = among.filter(one => !keep.includes(one))
  const verdicts: Verdict[] = dropped.map(member => ({ kind: 'skip', member, reason: 'window' }))
  if (keep.length === 0) return { verdicts, group: null }
  const openedAt = Math.min(...keep.map(({ at }) => at))
  return { verdicts, group: { ...group, openedAt, dueAt: openedAt + within, members: keep } }
}
