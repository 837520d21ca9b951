// An execution whose workflow has gates (gates.ts) comes to them one after the other before anything of it runs: by which
// key it is counted there is told here, over what is the same for all of its nodes.
import type { Clock } from '../base/clock.ts'
import { excerpt } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { outlast } from '../db/pool.ts'
import type { RecordedError } from '../event/event.ts'
import { type Evaluator, ExpressionError } from '../expression/expression.ts'
import type { HeldJob } from '../queue/runner.ts'
import type { Plan } from '../workflow/waves.ts'
import type { Arrivals } from './arrive.ts'
import { gateAhead } from './gates.ts'
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

type Ahead = NonNullable<ReturnType<typeof gateAhead>>

const LONGEST_MESSAGE = 1000

/** Whether it is to come to a gate before it goes on. What ends anyway, or is given away, need not get through. */
export function lacksPlace({ plan, state, held }: Pick<Seeker, 'plan' | 'state' | 'held'>): boolean {
  const { mapped, request, compensation } = state
  if (gateAhead(plan.workflow, state) === undefined) return false
  const isFailing = mapped !== undefined && 'error' in mapped
  return !isFailing && request === undefined && compensation === undefined && !held.drain.aborted
}

/** Comes to the gate: the execution moved on, through it or into the line, or is another's now, or an error ends it. */
export async function seekPlace(deps: PlaceDeps, seeker: Seeker): Promise<'left' | 'moved' | RecordedError> {
  const { row, sequence, held } = seeker
  const ahead = gateAhead(seeker.plan.workflow, seeker.state)
  if (ahead === undefined) return 'moved'
  const told = await findKey(deps, seeker, ahead)
  if ('error' in told) return told.error
  const arrival = { gate: ahead.gate, key: told.key, executionId: row.id, job: held.job, sequence }
  return (await outlast(() => deps.arrivals.add(arrival), held.lost)) === 'moved' ? 'moved' : 'left'
}

/** What it is counted by. */
async function findKey(
  { evaluator, clock }: PlaceDeps,
  { row, plan, state, held }: Seeker,
  { setting, expression }: Ahead,
): Promise<{ readonly key: string } | { readonly error: RecordedError }> {
  const { name } = plan.workflow
  if (expression === undefined) return { key: name }
  const { input } = state.mapped !== undefined && 'input' in state.mapped ? state.mapped : state
  const scope: JsonObject = { input, ...runScope(plan, row) }
  const failed = (why: string, details: JsonObject = {}): { error: RecordedError } => {
    const message = excerpt(`${setting}: ${why}`, LONGEST_MESSAGE)
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
