// An execution whose workflow has a limit needs a place under it before anything of it runs: what its limit is counted by
// is told here, over what is the same for all of its nodes.
import type { Clock } from '../base/clock.ts'
import { excerpt } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { outlast } from '../db/pool.ts'
import type { RecordedError } from '../event/event.ts'
import { type Evaluator, ExpressionError } from '../expression/expression.ts'
import type { HeldJob } from '../queue/runner.ts'
import type { Plan } from '../workflow/waves.ts'
import type { Arrivals } from './arrive.ts'
import { limitKeyOf } from './limits.ts'
import { whileBusy } from './mapping.ts'
import { runScope } from './scope.ts'
import type { ExecutionState } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface PlaceDeps {
  readonly evaluator: Evaluator
  readonly clock: Clock
  readonly arrivals: Arrivals
}

/** An execution, and the job a worker holds it by. */
interface Seeker {
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly state: ExecutionState
  readonly sequence: number
  readonly held: HeldJob
}

const LONGEST_MESSAGE = 1000

/** Whether it is to come to its limit before it goes on. What ends anyway, or is given away, needs no place. */
export function lacksPlace({ plan, state, held }: Pick<Seeker, 'plan' | 'state' | 'held'>): boolean {
  const { limitKey, mapped, request, compensation } = state
  if (plan.workflow.settings.concurrency === undefined || limitKey !== undefined) return false
  const isFailing = mapped !== undefined && 'error' in mapped
  return !isFailing && request === undefined && compensation === undefined && !held.drain.aborted
}

/** Comes to the limit: the execution moved on, into its place or into the line, or is another's now, or an error ends it. */
export async function seekPlace(deps: PlaceDeps, seeker: Seeker): Promise<'left' | 'moved' | RecordedError> {
  const { row, sequence, held } = seeker
  const told = await findKey(deps, seeker)
  if ('error' in told) return told.error
  const arrival = { key: told.key, executionId: row.id, job: held.job, sequence }
  return (await outlast(() => deps.arrivals.add(arrival), held.lost)) === 'moved' ? 'moved' : 'left'
}

/** What its limit is counted by. */
async function findKey(
  { evaluator, clock }: PlaceDeps,
  { row, plan, state, held }: Seeker,
): Promise<{ readonly key: string } | { readonly error: RecordedError }> {
  const { name, settings } = plan.workflow
  const expression = settings.concurrency?.key
  if (expression === undefined) return { key: name }
  const { input } = state.mapped !== undefined && 'input' in state.mapped ? state.mapped : state
  const scope: JsonObject = { input, ...runScope(plan, row) }
  const failed = (why: string, details: JsonObject = {}): { error: RecordedError } => {
    const message = excerpt(`settings.concurrency.key: ${why}`, LONGEST_MESSAGE)
    return { error: { code: 'LIMIT_KEY_FAILED', message, details: { expression, ...details } } }
  }
  try {
    const value = await whileBusy(clock, held.drain, () => evaluator.evaluate(expression, scope))
    const told = limitKeyOf(name, value)
    return 'key' in told ? told : failed(told.problem)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return failed(error.message, { cause: error.code })
  }
}
