// The form of a retry policy in documents: the schema, and the way from it to the words of the domain and back.
import { type Static, Type } from 'typebox'
import { formatDuration, parseDuration } from '../base/duration.ts'
import { DurationText } from '../base/schema.ts'
import type { RetryPolicy } from './workflow.ts'

const Codes = (description: string) =>
  Type.Array(
    Type.String({
      pattern: '^[A-Z][A-Z0-9_]*$',
      maxLength: 100,
      description: 'the code of an error, such as HTTP_STATUS',
    }),
    { minItems: 1, maxItems: 50, description },
  )

export const RetryForm = Type.Object(
  {
    max_attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, default: 3, description: 'Attempts in all' })),
    backoff: Type.Optional(
      Type.Enum(['constant', 'linear', 'exponential'], { default: 'exponential', description: 'How pauses grow' }),
    ),
    delay: Type.Optional(
      DurationText({ max: '1d', default: '1s', description: 'Longest pause before the second attempt' }),
    ),
    max_delay: Type.Optional(DurationText({ max: '1d', default: '5m', description: 'Longest pause of all' })),
    retry_on: Type.Optional(Codes('Codes of the errors to try again after, instead of all that may pass')),
    give_up_on: Type.Optional(Codes('Codes of errors not to try again after')),
  },
  { additionalProperties: false, description: 'When and how often to try again after an error that may pass' },
)

type RetryForm = Static<typeof RetryForm>

export function retryOfForm({ delay, max_delay, ...retry }: RetryForm): RetryPolicy {
  return {
    ...retry,
    ...(delay !== undefined && { delay_ms: parseDuration(delay) }),
    ...(max_delay !== undefined && { max_delay_ms: parseDuration(max_delay) }),
  }
}

export function formOfRetry({ delay_ms, max_delay_ms, retry_on, give_up_on, ...retry }: RetryPolicy): RetryForm {
  return {
    ...retry,
    ...(delay_ms !== undefined && { delay: formatDuration(delay_ms) }),
    ...(max_delay_ms !== undefined && { max_delay: formatDuration(max_delay_ms) }),
    ...(retry_on && { retry_on: [...retry_on] }),
    ...(give_up_on && { give_up_on: [...give_up_on] }),
  }
}
