// What is given for an option, read.
import { InvalidArgumentError } from 'commander'
import { MbflowError, messageOf } from '../base/errors.ts'
import type { Json } from '../base/json.ts'

export const wholeNumber = wholeNumberTo(10_000)

export function wholeNumberTo(most: number): (text: string) => number {
  return text => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= 1 && value <= most)) throw new InvalidArgumentError(`must be a whole number from 1 to ${most}`)
    return value
  }
}

export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}

/** Throws INPUT_INVALID. */
export function parseJson(option: string, text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new MbflowError('INPUT_INVALID', `${option} is not JSON: ${messageOf(error)}`, {
      hint: `${option} '{"name": "value"}'`,
    })
  }
}
