// What is wrong with the limit and the rate of a workflow beyond the form of their fields.
import { DurationError, parseDuration } from '../base/duration.ts'
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json } from '../base/json.ts'

/** The expressions by which executions are counted, and where they stand. */
export function countingKeys(
  settings: Json | undefined,
): { readonly path: string; readonly expression: Json | undefined }[] {
  if (!isJsonObject(settings)) return []
  return ['concurrency', 'rate'].flatMap(gate => {
    const one = settings[gate]
    return isJsonObject(one) ? [{ path: `settings.${gate}.key`, expression: one.key }] : []
  })
}

/** Those who wait are let begin so often, in a second; what comes in between begins at once. */
const PER_SECOND = 10

export function checkRate(settings: Json | undefined): Problem[] {
  const rate = isJsonObject(settings) ? settings.rate : undefined
  if (!isJsonObject(rate)) return []
  const { limit, period, burst } = rate
  if (typeof limit !== 'number' || typeof burst !== 'number' || typeof period !== 'string') return []
  const least = Math.ceil((limit * 1000) / PER_SECOND / millisecondsOf(period))
  if (!(burst < least)) return []
  const message = `must be at least ${least}, a tenth of what begins in a second, is ${burst}`
  return [{ path: 'settings.rate.burst', message, hint: 'those who wait are let begin ten times a second' }]
}

/** NaN for what is no duration: the schema says why. */
function millisecondsOf(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (error instanceof DurationError) return Number.NaN
    throw error
  }
}
