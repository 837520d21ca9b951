// What the llm node asks and is answered, in its own words, and what a provider has to say about its wire format.
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import type { LlmConfig } from './llm-config.ts'

export interface Question {
  readonly model: string
  readonly system: string | undefined
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[]
  /** JSON Schema of the answer. */
  readonly schema: JsonObject | undefined
  readonly temperature: number | undefined
  readonly maxTokens: number | undefined
  /** The server is not the provider's own, but one that speaks like it. */
  readonly elsewhere: boolean
}

export interface Reply {
  readonly text: string
  /** The model that answered, as it calls itself; `unknown` where the server does not say. */
  readonly model: string
  /** `stop`, `length` (cut off at the most tokens), the provider's own word, or `unknown`. */
  readonly finishReason: string
  /** Null where the server does not say. */
  readonly usage: { readonly input_tokens: number | null; readonly output_tokens: number | null }
  /** Why there is no answer, if the model or the provider refused to give one. */
  readonly refusal?: string
}

/** A wire format: question in, request out; response in, reply out. */
export interface Provider {
  readonly baseUrl: string
  readonly path: string
  headers(key: string | undefined): Readonly<Record<string, string>>
  body(question: Question): JsonObject
  /** Null when the body is not what the provider answers with. */
  read(body: Json): Reply | null
}

export function questionOf(config: LlmConfig): Question {
  const schema = config.schema as JsonObject | undefined
  const told =
    schema && `Answer with a JSON object that fits this JSON Schema, and with nothing else: ${JSON.stringify(schema)}`
  const system = [config.system, told].filter(part => part !== undefined).join('\n\n')
  return {
    model: config.model,
    system: system === '' ? undefined : system,
    messages: config.messages ?? [{ role: 'user', content: config.prompt ?? '' }],
    schema,
    temperature: config.temperature,
    maxTokens: config.max_tokens,
    elsewhere: config.base_url !== undefined,
  }
}

/** The value at `path` in what a server sent; undefined where there is none. */
export function valueAt(body: Json, ...path: readonly (string | number)[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => {
    if (typeof key === 'number') return Array.isArray(value) ? value[key] : undefined
    return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  }, body)
}

export function textAt(body: Json, ...path: readonly (string | number)[]): string | undefined {
  const value = valueAt(body, ...path)
  return typeof value === 'string' ? value : undefined
}

export function countAt(body: Json, ...path: readonly (string | number)[]): number | null {
  const value = valueAt(body, ...path)
  return typeof value === 'number' ? value : null
}
