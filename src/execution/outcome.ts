// The border between executors and the engine: whatever an executor gives is here found to be an outcome that PostgreSQL can
// store, or becomes one that says what was wrong. Pure.
//
// 1. What cannot be stored of an output, a wait or a code fails the node, and nobody else.
// 2. A failure stays the failure it is: of what cannot be kept of its details it says so.
import type { Json } from '../base/json.ts'
import { checkStorable, jsonBytes, MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import {
  type Completed,
  type Failed,
  failed,
  type NodeError,
  type Outcome,
  type Parked,
  type Split,
} from '../node/node-type.ts'

/** Of a failure; what was asked and answered belongs into an output. */
const MAX_DETAILS_BYTES = 64 * 1024
/** The end of the year 9999, and as long from now on. */
const LATEST = 253_402_300_799_999

/** Plug-ins may be written in JavaScript. */
export function isOutcome(given: unknown): given is Outcome {
  const { kind, error, until, end } = (given ?? {}) as Partial<Record<keyof Parked, unknown>> & { error?: NodeError }
  switch (kind) {
    case 'completed':
    case 'split':
      return true
    case 'failed':
      return typeof error?.code === 'string' && typeof error.message === 'string'
    case 'parked':
      return ['string', 'number'].includes(typeof until) && (end === undefined || isOutcome(end))
    default:
      return false
  }
}

export function checked(outcome: Outcome): Outcome {
  if (outcome.kind === 'split') return checkedItems(outcome)
  return outcome.kind === 'parked' ? checkedWait(outcome) : checkedEnd(outcome)
}

function checkedItems(outcome: Split): Outcome {
  const items = checkedEnd({ kind: 'completed', output: outcome.items })
  if (items.kind === 'completed') return outcome
  return failed(items.error.code, items.error.message.replace('the output', 'the list of items'))
}

function checkedWait(outcome: Parked): Outcome {
  const { until, end } = outcome
  const at = typeof until === 'number' ? until : Date.parse(until)
  if (!(Math.abs(at) <= LATEST))
    return failed('NODE_CRASHED', `the node is to wait until ${until}, which is no instant`)
  return { ...outcome, ...(end && { end: checkedEnd(end) }) }
}

function checkedEnd(outcome: Completed | Failed): Completed | Failed {
  if (outcome.kind === 'failed') {
    const { details, ...error } = outcome.error
    const unfit = checkStorable(error.code)
    if (unfit !== null)
      return failed('NODE_CRASHED', `the code of a failure cannot be stored: ${unfit}; ${error.message}`)
    const problem = unfitDetails(details ?? null)
    if (problem === null) return failed(error.code, error.message, outcome.error)
    return failed(error.code, `${error.message} (its details cannot be stored: ${problem})`, error)
  }
  const problem = checkStorable(outcome.output) ?? checkStorable(outcome.branches ?? null)
  if (problem !== null) return failed('OUTPUT_NOT_STORABLE', `the output cannot be stored: ${problem}`)
  const bytes = jsonBytes(outcome.output, MAX_OUTPUT_BYTES)
  if (bytes <= MAX_OUTPUT_BYTES) return outcome
  return failed('OUTPUT_TOO_LARGE', `the output has ${bytes} bytes as JSON, more than the limit of ${MAX_OUTPUT_BYTES}`)
}

function unfitDetails(details: Json): string | null {
  const problem = checkStorable(details)
  if (problem !== null) return problem
  const bytes = jsonBytes(details, MAX_DETAILS_BYTES)
  return bytes <= MAX_DETAILS_BYTES ? null : `they have ${bytes} bytes as JSON, more than ${MAX_DETAILS_BYTES}`
}
