// Makes the input of an execution whose trigger maps it: evaluates its templates over the fire, once, before the first
// wave. What they give is recorded as the execution starts, so that nothing is evaluated again, neither by another worker
// nor in a replay. A mapping that fails does so for good: the execution fails before any node has run.
import type { Clock } from '../base/clock.ts'
import { excerpt } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { checkStorable, jsonBytes, MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { type Evaluator, ExpressionError, mayPass } from '../expression/expression.ts'
import { strictly } from '../expression/missing.ts'
import { renderTemplates } from '../expression/template.ts'
import type { Plan } from '../workflow/waves.ts'
import { runScope } from './scope.ts'
import type { Mapped } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface MappingDeps {
  readonly evaluator: Evaluator
  readonly clock: Clock
}

/** A busy machine is no fault of the mapping: it is asked so often, with pauses that double from the first. Milliseconds. */
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 500
const LONGEST_MESSAGE = 1000

/** What is to be made of which execution. */
interface Begun {
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly mapping: JsonObject | string
}

/** Undefined when there is no mapping. `hurry` cuts the pauses short. */
export function mapInput(
  deps: MappingDeps,
  { row, plan }: Pick<Begun, 'row' | 'plan'>,
  hurry: AbortSignal,
): Promise<Mapped> | undefined {
  return row.mapping === null ? undefined : evaluated(deps, { row, plan, mapping: row.mapping }, hurry)
}

async function evaluated(deps: MappingDeps, begun: Begun, hurry: AbortSignal): Promise<Mapped> {
  const { row, plan, mapping } = begun
  const scope: JsonObject = { ...runScope(plan, row) }
  const evaluator = plan.workflow.settings.strict ? strictly(deps.evaluator) : deps.evaluator
  try {
    return checked(begun, await whileBusy(deps.clock, hurry, () => renderTemplates(mapping, scope, evaluator)))
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return failed(begun, error)
  }
}

/** Evaluates, again while the evaluators are busy. Throws ExpressionError. */
export async function whileBusy<T>(clock: Clock, hurry: AbortSignal, evaluate: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await evaluate()
    } catch (error) {
      if (!(error instanceof ExpressionError) || attempt === ATTEMPTS || !mayPass(error)) throw error
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), hurry)
    }
  }
}

function checked(begun: Begun, rendered: Json): Mapped {
  const { row, mapping } = begun
  const { input: literal } = row
  const isFields = isJsonObject(mapping) && isJsonObject(rendered) && isJsonObject(literal)
  const input = isFields ? { ...literal, ...rendered } : rendered
  const problem = checkStorable(input)
  if (problem !== null) return failed(begun, { message: problem })
  const bytes = jsonBytes(input, MAX_OUTPUT_BYTES)
  if (bytes <= MAX_OUTPUT_BYTES) return { input }
  return failed(begun, { message: `it has ${bytes} bytes as JSON, more than the limit of ${MAX_OUTPUT_BYTES}` })
}

/** A template's message begins with its path. */
function failed({ row, plan }: Begun, why: { readonly message: string } | ExpressionError): Mapped {
  const trigger = `${plan.workflow.name}/${String(row.triggerData.key)}`
  const { code, path = '', position } = why instanceof ExpressionError ? why : {}
  const field = `input${path === '' || path.startsWith('[') ? '' : '.'}${path}`
  const details = {
    trigger,
    field,
    ...(code !== undefined && { cause: code }),
    ...(position !== undefined && { character: position + 1 }),
  }
  const said = path === '' ? `: ${why.message}` : why.message.slice(path.length)
  const message = excerpt(`trigger ${trigger}, ${field}${said}`, LONGEST_MESSAGE)
  return { error: { code: 'INPUT_MAPPING_FAILED', message, details } }
}
