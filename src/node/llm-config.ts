// The config of the llm node.
import { type Static, Type } from 'typebox'
import { SecretName } from '../base/schema.ts'

export const llmConfigSchema = Type.Object(
  {
    provider: Type.Enum(['openai', 'anthropic', 'mock'], {
      description: 'Whose API is spoken; `mock` asks nobody.',
    }),
    model: Type.String({ minLength: 1, description: 'The model, as the provider names it.' }),
    prompt: Type.Optional(Type.String({ minLength: 1, description: 'What to ask. Either this or `messages`.' })),
    messages: Type.Optional(
      Type.Array(
        Type.Object(
          {
            role: Type.Enum(['user', 'assistant'], { description: 'Who said it.' }),
            content: Type.String({ minLength: 1, description: 'What was said.' }),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, description: 'A conversation to go on with.' },
      ),
    ),
    system: Type.Optional(Type.String({ minLength: 1, description: 'What the model is told before all else.' })),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        form: 'JSON Schema of an object',
        description: 'What the answer must be; it is parsed, checked, and handed on as `json`.',
      }),
    ),
    temperature: Type.Optional(
      Type.Number({ minimum: 0, maximum: 2, description: 'How much chance is in the answer; some models refuse it.' }),
    ),
    max_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'The longest answer. Without it that of the provider; 4096 for `anthropic`.',
      }),
    ),
    base_url: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Where the API is: the part before `/chat/completions` or `/messages`.',
      }),
    ),
    secret: Type.Optional(
      SecretName(
        'Which secret is the API key. Without it the one that is called as the provider is; none with `base_url`.',
      ),
    ),
  },
  { additionalProperties: false },
)

export type LlmConfig = Static<typeof llmConfigSchema>
