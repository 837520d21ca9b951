// What keeps secrets out of all that is recorded or logged: their values are replaced wherever they stand in texts and keys.
//
// 1. Also where one was encoded: in base64 (within whatever was encoded together with it), hex, a URL, a form or JSON text;
//    also where it was cut off by an ellipsis.
// 2. Only whole values of at least MIN_SECRET_LENGTH characters are looked for: a shorter one could not be told from
//    ordinary text, and could be guessed.
import { excerpt } from './errors.ts'
import { isJsonObject, type Json } from './json.ts'
import { MIN_SECRET_LENGTH } from './secrets.ts'

/** Values that were given to an attempt, by the names of their secrets. */
export type Revealed = ReadonlyMap<string, string>

/** `value` with `[secret NAME]` in place of every value of `revealed`. */
export function hideSecrets<T>(value: T, revealed: Revealed): T {
  if (revealed.size === 0) return value
  const forms = formsOf(revealed)
  return hideIn(value as Json, text => forms.reduce(hideForm, text)) as T
}

/** Whether any of them stands in the text, in any form. */
export function holdsSecret(text: string, revealed: Revealed): boolean {
  return formsOf(revealed).some(form => text.includes(form.text))
}

interface Form {
  readonly text: string
  readonly shown: string
}

function formsOf(revealed: Revealed): Form[] {
  const forms = [...revealed].flatMap(([name, secret]) =>
    [...encodings(secret)].map(text => ({ text, shown: `[secret ${name}]` })),
  )
  return forms.sort((a, b) => b.text.length - a.text.length) // a form may be part of a longer one
}

function encodings(secret: string): Set<string> {
  const bytes = Buffer.from(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const hex = bytes.toString('hex')
  const urls = [encodeURIComponent(secret), encodeURI(secret), new URLSearchParams([['', secret]]).toString().slice(1)]
  return new Set([
    secret,
    excerpt(secret, Number.POSITIVE_INFINITY), // on one line, as messages quote it
    json,
    json.replaceAll('/', '\\/'),
    ...urls,
    ...urls.map(url => url.replace(/%../g, byte => byte.toLowerCase())),
    hex,
    hex.toUpperCase(),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    ...withinBase64(bytes),
  ])
}

/**
 * The characters of base64 that depend on nothing but these bytes, whatever stands before and behind them: three, as
 * each may begin at one of three places of a group.
 */
function withinBase64(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap(before => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
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
