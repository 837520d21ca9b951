// Chat completions as OpenAI defines them and many servers speak them.
import { countAt, type Provider, textAt } from './llm-provider.ts'

export const openai: Provider = {
  baseUrl: 'https://api.openai.com/v1',
  path: '/chat/completions',

  headers: key => (key === undefined ? {} : { authorization: `Bearer ${key}` }),

  body: ({ model, system, messages, schema, temperature, maxTokens, elsewhere }) => ({
    model,
    messages: [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...messages],
    ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } }),
    ...(temperature !== undefined && { temperature }),
    // OpenAI's newer models refuse the old name, other servers do not know the new one.
    ...(maxTokens !== undefined && { [elsewhere ? 'max_tokens' : 'max_completion_tokens']: maxTokens }),
  }),

  read(body) {
    const refusal = textAt(body, 'choices', 0, 'message', 'refusal')
    const text = textAt(body, 'choices', 0, 'message', 'content')
    const finishReason = textAt(body, 'choices', 0, 'finish_reason') ?? 'unknown'
    if ((text ?? refusal) === undefined) return null
    return {
      text: text ?? '',
      model: textAt(body, 'model') ?? 'unknown',
      finishReason,
      usage: {
        input_tokens: countAt(body, 'usage', 'prompt_tokens'),
        output_tokens: countAt(body, 'usage', 'completion_tokens'),
      },
      ...(finishReason === 'content_filter' && { refusal: 'its content filter stepped in' }),
      ...(refusal !== undefined && { refusal }),
    }
  },
}
