// Messages as Anthropic defines them.
import { countAt, type Provider, textAt, valueAt } from './llm-provider.ts'

/** It wants to be told. */
const MAX_TOKENS = 4096

export const anthropic: Provider = {
  baseUrl: 'https://api.anthropic.com/v1',
  path: '/messages',

  headers: key => ({ 'anthropic-version': '2023-06-01', ...(key !== undefined && { 'x-api-key': key }) }),

  /** The schema is in the system text alone: not every model takes one otherwise, and the answer is checked here anyway. */
  body: ({ model, system, messages, temperature, maxTokens = MAX_TOKENS }) => ({
    model,
    max_tokens: maxTokens,
    messages,
    ...(system !== undefined && { system }),
    ...(temperature !== undefined && { temperature }),
  }),

  read(body) {
    const blocks = valueAt(body, 'content')
    const stopReason = textAt(body, 'stop_reason') ?? 'unknown'
    if (!Array.isArray(blocks)) return null
    return {
      text: blocks.map(block => textAt(block, 'text') ?? '').join(''),
      model: textAt(body, 'model') ?? 'unknown',
      finishReason: FINISH_REASONS[stopReason] ?? stopReason,
      usage: {
        input_tokens: countAt(body, 'usage', 'input_tokens'),
        output_tokens: countAt(body, 'usage', 'output_tokens'),
      },
      ...(stopReason === 'refusal' && { refusal: 'it does not answer this' }),
    }
  },
}

const FINISH_REASONS: Readonly<Record<string, string | undefined>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
}
