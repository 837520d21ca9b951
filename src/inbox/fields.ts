// The fields of a form or a query: `a=1&b=2&b=3` is {a: "1", b: ["2", "3"]}. Strict where URLSearchParams puts U+FFFD.
import { excerpt } from '../base/errors.ts'
import { checkStorable } from '../base/json-limits.ts'

export type Fields = { readonly [name: string]: string | readonly string[] }

const MOST_FIELDS = 10_000

/** The problem finishes a sentence: `the query …`. */
export function parseFields(text: string): { readonly value: Fields } | { readonly problem: string } {
  const pairs = text.split('&', MOST_FIELDS + 1).filter(pair => pair !== '')
  if (pairs.length > MOST_FIELDS) return { problem: `has more than ${MOST_FIELDS} fields` }
  const fields = new Map<string, string[]>()
  for (const pair of pairs) {
    const end = pair.indexOf('=')
    const name = decode(end < 0 ? pair : pair.slice(0, end))
    const value = decode(end < 0 ? '' : pair.slice(end + 1))
    if (name === undefined || value === undefined)
      return { problem: `has a field that is not percent-encoded UTF-8: ${JSON.stringify(excerpt(name ?? pair, 40))}` }
    const values = fields.get(name)
    if (values) values.push(value)
    else fields.set(name, [value])
  }
  const value = Object.fromEntries([...fields].map(([name, values]) => [name, unlisted(values)]))
  const fault = checkStorable(value)
  return fault === null ? { value } : { problem: `cannot be stored: ${fault}` }
}

function unlisted(values: readonly string[]): string | readonly string[] {
  const [first = '', ...others] = values
  return others.length === 0 ? first : values
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
