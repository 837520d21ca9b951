// Which triggers want an event, and as part of what: types are matched here, filters and group_by are evaluated. Done before
// any transaction begins, for it may take a process of the sandbox its time; nothing of it holds a lock.
import { excerpt } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { checkStorable } from '../base/json-limits.ts'
import { type Evaluator, ExpressionError } from '../expression/expression.ts'
import type { EventRule, Gathering } from '../trigger/event-config.ts'
import { matchesType } from '../trigger/event-pattern.ts'
import type { Trigger } from '../trigger/trigger.ts'
import { shownEvent } from './cloud-event.ts'
import { groupKeyOf } from './group-key.ts'
import type { StoredEvent, WaitingEvent } from './store.ts'

export interface Candidate {
  readonly trigger: Trigger
  readonly rule: EventRule
}

/** What a trigger that names the type of an event makes of it. */
export type Judgement = { readonly trigger: Trigger } & (
  | { readonly kind: 'wanted'; readonly gathering: Gathering | null; readonly part: number; readonly groupKey: string }
  /** A run of the trigger's workflow led to the event. */
  | { readonly kind: 'loop' }
  | { readonly kind: 'fault'; readonly message: string }
)

export interface Judged {
  readonly event: StoredEvent
  readonly judgements: readonly Judgement[]
}

/** Null when it cannot be told now, because nobody was free to evaluate an expression. That is waited for, but not for ever. */
export async function judge(
  event: WaitingEvent,
  candidates: readonly Candidate[],
  evaluator: Evaluator,
): Promise<Judged | null> {
  const concerned = candidates.filter(({ rule }) =>
    rule.selectors.some(({ pattern }) => matchesType(pattern, event.type)),
  )
  if (concerned.length === 0) return { event, judgements: [] }
  const scope = { event: shownEvent(event) }
  // What came by SQL was not looked at before.
  const unfit = checkStorable({ events: [scope.event] })
  if (unfit !== null)
    return { event, judgements: concerned.map(({ trigger }) => ({ trigger, kind: 'fault', message: unfit })) }
  const evaluate = (expression: string): Promise<Json | undefined> => evaluator.evaluate(expression, scope)
  try {
    const judgements = await Promise.all(concerned.map(one => judgeFor(event, one, evaluate)))
    return { event, judgements: judgements.filter(one => one !== null) }
  } catch (error) {
    if (error instanceof ExpressionError && error.code === 'EXPRESSION_UNAVAILABLE') return null
    throw error
  }
}

type Evaluate = (expression: string) => Promise<Json | undefined>

/** Null: it does not want it. */
async function judgeFor(
  event: WaitingEvent,
  { trigger, rule }: Candidate,
  evaluate: Evaluate,
): Promise<Judgement | null> {
  try {
    const part = await selectorOf(event, rule, evaluate)
    if (part < 0) return null
    if (event.chain.includes(trigger.workflowName)) return { trigger, kind: 'loop' }
    const groupKey = rule.groupBy === null ? '' : groupKeyOf(await evaluate(rule.groupBy))
    if (groupKey !== null) return { trigger, kind: 'wanted', gathering: rule.gathering, part, groupKey }
    return { trigger, kind: 'fault', message: 'group_by found nothing to tell its group by' }
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    if (error.code === 'EXPRESSION_UNAVAILABLE' && !event.isOld) throw error
    return { trigger, kind: 'fault', message: excerpt(`${error.code}: ${error.message}`, 500) }
  }
}

/** The first selector the event fits; -1 when it fits none. */
async function selectorOf(event: StoredEvent, { selectors }: EventRule, evaluate: Evaluate): Promise<number> {
  for (const [i, { pattern, filters }] of selectors.entries()) {
    if (matchesType(pattern, event.type) && (await all(filters, evaluate))) return i
  }
  return -1
}

async function all(filters: readonly string[], evaluate: Evaluate): Promise<boolean> {
  for (const filter of filters) {
    const value = (await evaluate(filter)) ?? false
    if (typeof value !== 'boolean')
      throw new ExpressionError('EXPRESSION_FAILED', `the filter ${filter} gave neither true nor false`)
    if (!value) return false
  }
  return true
}
