// The config of the llm node.
import { type Static, Type } from 'typebox'
import { SecretName } from '../base/schema.ts'

export const llmConfigSchema = Type.Object(
  {
    provider: Type.Enum(['openai', 'anthropic', 'mock'], {
      description:
        'openai: chat completions of OpenAI or of a server that speaks like it; anthropic: messages of Anthropic; mock: asks nobody and answers with the last message, or with a value that fits the schema.',
    }),
    model: Type.String({ minLength: 1, description: 'The model, as the provider names it.' }),
    prompt: Type.Optional(
      Type.String({ minLength: 1, description: 'What to ask; the same as a single user message.' }),
    ),
    messages: Type.Optional(
      Type.Array(
        Type.Object(
          {
            role: Type.Enum(['user', 'assistant'], { description: 'Who said it.' }),
            content: Type.String({ minLength: 1, description: 'What was said.' }),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, description: 'A conversation to go on with, instead of a prompt.' },
      ),
    ),
    system: Type.Optional(Type.String({ minLength: 1, description: 'What the model is told before all else.' })),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'JSON Schema of an object. The model is told to answer with one that fits; the answer is parsed, checked, and handed on as `json`.',
      }),
    ),
    temperature: Type.Optional(
      Type.Number({ minimum: 0, maximum: 2, description: 'How much chance is in the answer; some models refuse it.' }),
    ),
    max_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'The longest answer, in tokens. Anthropic gets 4096 if it is not given.',
      }),
    ),
    base_url: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Where the provider's API is, up to the part before /chat/completions or /messages.",
      }),
    ),
    secret: Type.Optional(
      SecretName(
        'The name of the secret that holds the API key. Default: the name of the provider, and none if base_url is given.',
      ),
    ),
  },
  { additionalProperties: false },
)

export type LlmConfig = Static<typeof llmConfigSchema>
