// Secrets: documents name them, executors ask for them, and nothing that is recorded or logged may hold them. A secret is
// a variable of the daemon, or else one that is stored in the database.
//
// 1. A value is replaced wherever it stands in texts and keys, also where it was encoded (base64, in a URL, within JSON
//    text) or cut off by an ellipsis.
// 2. Only whole values of at least MIN_SECRET_LENGTH characters are secrets: a shorter one could not be told from
//    ordinary text, and could be guessed.
import { excerpt } from './errors.ts'
import { isJsonObject, type Json } from './json.ts'

/** What stands behind the names. Capitals and small letters are the same in them. */
export interface Secrets {
  /** Undefined when there is none. Throws SecretError and nothing else. */
  find(name: string): Promise<string | undefined>
}

/** Why the value of a secret cannot be had. `SECRET_LOCKED`: it is stored, and the master key is missing or another. */
export class SecretError extends Error {
  readonly code: 'SECRET_MISSING' | 'SECRET_LOCKED' | 'SECRET_UNAVAILABLE'
  constructor(code: SecretError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SecretError'
    this.code = code
  }
}

export const MIN_SECRET_LENGTH = 8
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

export function isSecretName(text: string): boolean {
  return SECRET_NAME.test(text)
}

/** The variable that holds the secret `name`. */
export function secretVariable(name: string): string {
  return `MBFLOW_SECRET_${name.toUpperCase()}`
}

/** The value of a secret that must be there. Throws SecretError. */
export async function requireSecret(secrets: Secrets, name: string): Promise<string> {
  const value = await secrets.find(name)
  if (value !== undefined) return value
  const [variable, command] = [secretVariable(name), `mbflow secret set ${name}`]
  throw new SecretError(
    'SECRET_MISSING',
    `there is no secret "${name}": store it (${command}), or set ${variable} where the daemon runs`,
  )
}

/** Secrets by their variables, as the configuration has read them; for other names, those that are stored. */
export function createSecrets(values: ReadonlyMap<string, string>, stored: Secrets): Secrets {
  return { find: async name => values.get(secretVariable(name)) ?? stored.find(name) }
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
