// Language models that say what the base URL of a request tells them to: `/openai?text=hello`, `/anthropic?text=hello`.
// `?finish=` is why they stop, `?refusal=` what they refuse with, `?leak` makes them answer with the headers they were sent.
import type { Call, Modes } from './stub-server.ts'

const USAGE = { input: 11, output: 7 }

export const stubModels: Modes = {
  openai: call => {
    const { query } = call
    const message = {
      role: 'assistant',
      content: query.has('refusal') ? null : textOf(call),
      refusal: query.get('refusal'),
    }
    reply(call, {
      object: 'chat.completion',
      model: `${modelOf(call)}-2026`,
      choices: [{ index: 0, message, finish_reason: query.get('finish') ?? 'stop' }],
      usage: { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output },
    })
  },
  anthropic: call => {
    reply(call, {
      type: 'message',
      model: `${modelOf(call)}-2026`,
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: textOf(call) },
      ],
      stop_reason: call.query.get('finish') ?? 'end_turn',
      usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
    })
  },
}

function textOf({ request, query }: Call): string {
  return query.has('leak') ? JSON.stringify(request.headers) : (query.get('text') ?? 'hello')
}

function modelOf({ request }: Call): string {
  return String(JSON.parse(request.body).model)
}

function reply({ response }: Call, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
