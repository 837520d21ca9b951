// What the schema of the llm node cannot say about its config. What holds templates is judged when it runs.
import type { Problem } from '../base/errors.ts'
import { urlProblem } from '../base/http-client.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { hasTemplates } from '../expression/template.ts'
import { checkAnswerSchema } from './llm-schema.ts'

/** Tolerates values of the wrong type: the schema speaks of those. */
export function checkLlmConfig({ prompt, messages, base_url, schema }: JsonObject): Problem[] {
  const problems: Problem[] = []
  if (prompt === undefined && messages === undefined)
    problems.push({ path: 'prompt', message: 'is required, or messages' })
  if (prompt !== undefined && messages !== undefined)
    problems.push({ path: 'messages', message: 'cannot stand beside prompt', hint: 'keep one of the two' })
  const problem = typeof base_url === 'string' && !hasTemplates(base_url) ? urlProblem(base_url) : null
  if (problem !== null) problems.push({ path: 'base_url', message: problem })
  return isJsonObject(schema) ? [...problems, ...checkAnswerSchema(schema, 'schema')] : problems
}
