// Secrets: documents name them, executors ask for them, and nothing that is recorded or logged may hold them.
//
// 1. A value is replaced wherever it stands in texts and keys, also where it was encoded (base64, in a URL, within JSON
//    text) or cut off by an ellipsis.
// 2. Only whole values of at least MIN_SECRET_LENGTH characters are secrets: a shorter one could not be told from
//    ordinary text, and could be guessed.
import { excerpt } from './errors.ts'
import { isJsonObject, type Json } from './json.ts'

/** What stands behind the names. */
export interface Secrets {
  find(name: string): Promise<string | undefined>
}

export const MIN_SECRET_LENGTH = 8

/** The variable that holds the secret `name`. */
export function secretVariable(name: string): string {
  return `MBFLOW_SECRET_${name.toUpperCase()}`
}

/** Secrets by their variables, as the configuration has read them. */
export function createSecrets(values: ReadonlyMap<string, string>): Secrets {
  return { find: async name => values.get(secretVariable(name)) }
}

/** `value` with `[secret NAME]` in place of every value of `revealed`, which is by name. */
export function hideSecrets<T>(value: T, revealed: ReadonlyMap<string, string>): T {
  if (revealed.size === 0) return value
  const forms = [...revealed].flatMap(([name, secret]) =>
    [...encodings(secret)].map(text => ({ text, shown: `[secret ${name}]` })),
  )
  // A form may be part of a longer one.
  forms.sort((a, b) => b.text.length - a.text.length)
  return hideIn(value as Json, text => forms.reduce(hideForm, text)) as T
}

interface Form {
  readonly text: string
  readonly shown: string
}

function encodings(secret: string): Set<string> {
  const bytes = Buffer.from(secret)
  return new Set([
    secret,
    excerpt(secret, Number.POSITIVE_INFINITY), // on one line, as messages quote it
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ])
}

function hideForm(text: string, { text: form, shown }: Form): string {
  const parts = text.replaceAll(form, shown).split('…')
  return parts.map((part, i) => (i < parts.length - 1 ? hideCutOff(part, { text: form, shown }) : part)).join('…')
}

/** Also a good part of a secret, at the end of a text that was shortened, is too much. */
function hideCutOff(text: string, { text: form, shown }: Form): string {
  for (let length = form.length - 1; length >= MIN_SECRET_LENGTH / 2; length--)
    if (text.endsWith(form.slice(0, length))) return `${text.slice(0, -length)}${shown}`
  return text
}

function hideIn(value: Json, hide: (text: string) => string): Json {
  if (typeof value === 'string') return hide(value)
  if (Array.isArray(value)) return value.map(item => hideIn(item, hide))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [hide(key), hideIn(item, hide)]))
}
