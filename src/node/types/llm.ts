// Asks a language model. Nothing is retried here: the outcome says whether another attempt could succeed and when. No
// idempotency key is sent, as an answer that does not fit must be another one the next time.
import { excerpt } from '../../base/errors.ts'
import { MAX_OUTPUT_BYTES } from '../../base/json-limits.ts'
import { exchange } from '../http-exchange.ts'
import { answerOf } from '../llm-answer.ts'
import { anthropic } from '../llm-anthropic.ts'
import { checkLlmConfig } from '../llm-check.ts'
import { type LlmConfig, llmConfigSchema } from '../llm-config.ts'
import { mockReply } from '../llm-mock.ts'
import { openai } from '../llm-openai.ts'
import { type Provider, type Question, questionOf, type Reply } from '../llm-provider.ts'
import { checkAnswerSchema } from '../llm-schema.ts'
import { defineNodeType, type Failed, failed, type NodeContext } from '../node-type.ts'

const providers = { openai, anthropic }

export const llm = defineNodeType<LlmConfig>({
  type: 'llm',
  summary: 'Asks a language model; its output is {text, json, model, finish_reason, usage}.',
  configSchema: llmConfigSchema,
  expressions: [],
  check: checkLlmConfig,

  async execute(config, context) {
    const question = questionOf(config)
    const { schema } = question
    const problems = schema === undefined ? [] : checkAnswerSchema(schema, 'schema')
    if (problems.length > 0)
      return failed('LLM_SCHEMA_INVALID', problems.map(({ path, message }) => `${path} ${message}`).join('; '))
    const { provider: name } = config
    const reply = name === 'mock' ? mockReply(question) : await ask(providers[name], question, { config, context })
    return 'kind' in reply ? reply : answerOf(reply, schema)
  },
})

/** A key is sent to the provider it is for, and elsewhere only if the config says so. */
async function ask(
  provider: Provider,
  question: Question,
  { config, context }: { config: LlmConfig; context: NodeContext },
): Promise<Reply | Failed> {
  const secret = config.secret ?? (config.base_url === undefined ? config.provider : undefined)
  const key = secret === undefined ? undefined : await context.secret(secret)
  const exchanged = await exchange(
    {
      method: 'POST',
      url: endpoint(config.base_url ?? provider.baseUrl, provider.path),
      headers: { ...provider.headers(key), 'content-type': 'application/json', traceparent: context.traceparent },
      body: JSON.stringify(provider.body(question)),
    },
    { http: context.http, signal: context.signal, maxBytes: MAX_OUTPUT_BYTES },
  )
  if ('kind' in exchanged) return exchanged
  const { body } = exchanged.answer
  const what = `${config.provider} answered with something else than its API promises; is base_url right?`
  return (
    provider.read(body) ??
    failed('LLM_RESPONSE_INVALID', `${what} ${excerpt(JSON.stringify(body), 200)}`, { retryable: true })
  )
}

function endpoint(base: string, path: string): string {
  const target = URL.parse(base)
  if (target === null) return base // the client says what is wrong with it
  target.pathname = `${target.pathname.replace(/\/$/, '')}${path}`
  return target.href
}
