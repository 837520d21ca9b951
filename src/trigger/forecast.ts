// How much fires when: the fires of all triggers per minute, the worst minutes, and which triggers make them.
//
// 1. What is counted is what is foreseen: neither excluded slots nor those beyond a limit, nor triggers that are disabled or paused.
// 2. Triggers that name the same slots (one rule, without a limit or a share of their own) are walked once.
import { MbflowError, messageOf } from '../base/errors.ts'
import { dependsOnBefore } from './dispose.ts'
import { foreseenFires, type Prospect } from './foresee.ts'
import { dependsOnId } from './preview.ts'
import { isArmed, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const MAX_RANGE_MS = 31 * 24 * HOUR_MS
/** Fires walked at most: half a minute's work. */
const MAX_FIRES = 30_000_000

export interface Loaded {
  readonly trigger: Trigger
  readonly prospect: Prospect
}

export interface WorstMinute {
  readonly minute: Date
  readonly fires: number
  /** Those that fire most first. */
  readonly triggers: readonly { readonly trigger: string; readonly fires: number }[]
}

export interface Forecast {
  readonly fires: number
  /** The fullest first; only minutes in which something fires. */
  readonly worst: readonly WorstMinute[]
  readonly hours: readonly { readonly hour: Date; readonly fires: number; readonly peak: number }[]
  /** `workflow/key` of triggers whose slots cannot be computed, with the reason: they are not counted. */
  readonly broken: readonly { readonly trigger: string; readonly error: string }[]
}

export interface ForecastQuery {
  readonly from: Instant
  readonly until: Instant
  /** How many of the worst minutes. */
  readonly worst: number
}

/** Throws INPUT_INVALID for a range that is too long, or has too many fires. */
export function forecast(loaded: readonly Loaded[], { from, until, worst }: ForecastQuery): Forecast {
  if (!(from < until && until - from <= MAX_RANGE_MS)) {
    throw new MbflowError('INPUT_INVALID', 'a forecast covers at most 31 days, and ends after it begins')
  }
  const first = Math.floor(from / MINUTE_MS)
  const minutes = new Float64Array(Math.ceil(until / MINUTE_MS) - first)
  const broken: { trigger: string; error: string }[] = []
  const sound: Group[] = []
  let left = MAX_FIRES
  for (const group of groupsOf(loaded)) {
    try {
      const fires = foreseenFires(group.trigger, group.prospect, { from, until, most: left + 1 })
      left -= fires.length
      if (left < 0) throw tooMany
      for (const slot of fires) {
        const i = Math.floor(slot / MINUTE_MS) - first
        minutes[i] = (minutes[i] ?? 0) + group.names.length
      }
      sound.push(group)
    } catch (error) {
      if (error === tooMany) throw error
      broken.push(...group.names.map(trigger => ({ trigger, error: messageOf(error) })))
    }
  }
  const fullest = [...minutes.keys()]
    .filter(i => minutes[i] !== 0)
    .sort((a, b) => (minutes[b] ?? 0) - (minutes[a] ?? 0) || a - b)
    .slice(0, worst)
  return {
    fires: minutes.reduce((sum, count) => sum + count, 0),
    worst: fullest.map(i => {
      const begin = (first + i) * MINUTE_MS
      const range = { from: Math.max(from, begin), until: Math.min(until, begin + MINUTE_MS) }
      return { minute: new Date(begin), fires: minutes[i] ?? 0, triggers: firingIn(sound, range) }
    }),
    hours: hoursOf(minutes, first),
    broken,
  }
}

const tooMany = new MbflowError(
  'INPUT_INVALID',
  `more than ${MAX_FIRES.toLocaleString('en')} fires lie in this range`,
  {
    hint: 'choose a shorter one with --from and --to',
  },
)

/** Triggers that fire at the same instants. */
interface Group extends Loaded {
  /** `workflow/key`. */
  readonly names: string[]
}

function groupsOf(loaded: readonly Loaded[]): Iterable<Group> {
  const groups = new Map<string, Group>()
  for (const { trigger, prospect } of loaded) {
    const name = `${trigger.workflowName}/${trigger.key}`
    const rule = ruleKey(trigger, prospect)
    const group = groups.get(rule)
    if (group === undefined) groups.set(rule, { trigger, prospect, names: [name] })
    else group.names.push(name)
  }
  return groups.values()
}

/** The same for triggers that fire at the same instants. */
function ruleKey(trigger: Trigger, prospect: Prospect): string {
  const { id, type, config, anchorAt } = trigger
  if (dependsOnBefore(trigger) || dependsOnId(trigger)) return id
  const { input: _, overlap: __, misfire: ___, ...rule } = config
  const anchor = 'every' in rule && !('anchor' in rule) ? anchorAt : null
  return JSON.stringify([type, rule, anchor, isArmed(trigger), prospect.cursor === null])
}

function firingIn(groups: readonly Group[], range: { from: Instant; until: Instant }): WorstMinute['triggers'] {
  return groups
    .flatMap(({ trigger, prospect, names }) => {
      const fires = foreseenFires(trigger, prospect, { ...range, most: Number.POSITIVE_INFINITY }).length
      return fires === 0 ? [] : names.map(name => ({ trigger: name, fires }))
    })
    .sort((a, b) => b.fires - a.fires || (a.trigger < b.trigger ? -1 : 1))
}

function hoursOf(minutes: Float64Array, first: number): Forecast['hours'] {
  const hours = new Map<number, { fires: number; peak: number }>()
  minutes.forEach((count, i) => {
    const hour = Math.floor((first + i) / 60)
    const { fires, peak } = hours.get(hour) ?? { fires: 0, peak: 0 }
    hours.set(hour, { fires: fires + count, peak: Math.max(peak, count) })
  })
  return [...hours].map(([hour, counts]) => ({ hour: new Date(hour * HOUR_MS), ...counts }))
}
