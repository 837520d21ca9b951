// What a reply comes to. With a schema the text must be JSON that fits it; one that does not may be better the next time.
import { excerpt } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { MAX_DEPTH, parseJsonWithin } from '../base/json-limits.ts'
import { isTooLargeFor } from '../base/json-schema.ts'
import { checkSchema } from '../base/schema.ts'
import type { Reply } from './llm-provider.ts'
import { type Failed, failed, type Outcome } from './node-type.ts'

/** Levels of the output around the answer are its own. */
const LIMITS = { depth: MAX_DEPTH - 1, keys: 10_000 }
const SHOWN_PROBLEMS = 5

export function answerOf(
  { text, model, finishReason, usage, refusal }: Reply,
  schema: JsonObject | undefined,
): Outcome {
  const details = { usage, model, finish_reason: finishReason }
  if (refusal !== undefined) return failed('LLM_REFUSED', `${model} refused to answer: ${refusal}`, { details })
  const output = { text, usage, model, finish_reason: finishReason }
  if (schema === undefined) return { kind: 'completed', output }
  const misfit = (why: string): Failed => {
    const cut = finishReason === 'length' ? ' (it was cut off: raise max_tokens)' : ''
    const message = `the answer of ${model} ${why}${cut}: ${excerpt(text, 200)}`
    return failed('LLM_ANSWER_INVALID', message, { retryable: true, details })
  }
  const parsed = parseJsonWithin(withoutFence(text), LIMITS)
  if ('problem' in parsed) return misfit(`is not JSON (${parsed.problem})`)
  if (isTooLargeFor(schema, parsed.value)) return misfit('is too large to be checked')
  const problems = checkSchema(schema, parsed.value, 'json').map(({ path, message }) => `${path} ${message}`)
  if (problems.length > 0) return misfit(`does not fit the schema (${problems.slice(0, SHOWN_PROBLEMS).join('; ')})`)
  return { kind: 'completed', output: { ...output, json: parsed.value } }
}

/** Models like to put their JSON into a code block. */
function withoutFence(text: string): string {
  const trimmed = text.trim()
  const start = trimmed.startsWith('```') && trimmed.endsWith('```') ? trimmed.indexOf('\n') : -1
  return start === -1 ? text : trimmed.slice(start, -3)
}
