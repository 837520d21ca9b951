// What runs inside the sandbox: a JavaScript realm that holds the language and jsonata, and nothing of Node. The texts of
// these functions are evaluated there (`realmSource`), so they refer to each other and to the language, to nothing else.
//
// 1. Only strings go in and out: no object of the outer realm is within reach of an expression.
// 2. A result is checked before it is written as JSON: a value that JSON would drop, change or repeat endlessly is an error.
import type { Expression, JsonataOptions } from 'jsonata'

export interface RealmLimits {
  /** Milliseconds; jsonata looks at the clock between two steps of an evaluation. */
  readonly timeout: number
  /** Evaluations within evaluations. */
  readonly stack: number
  /** Items of an array. */
  readonly sequence: number
  /** Bytes of a result as JSON. */
  readonly output: number
  /** Arrays and objects within each other in a result. */
  readonly depth: number
}

export interface RealmFailure {
  readonly code: 'EXPRESSION_FAILED' | 'EXPRESSION_NOT_JSON' | 'EXPRESSION_TOO_LARGE' | 'EXPRESSION_TIMEOUT'
  readonly message: string
  readonly position?: number
  readonly token?: string
}

/** `{}` = the expression yields nothing. */
export interface RealmAnswer {
  readonly value?: unknown
  readonly error?: RealmFailure
}

type Jsonata = (expression: string, options: JsonataOptions) => Expression
interface Thrown {
  readonly code?: unknown
  readonly message?: unknown
  readonly position?: unknown
  readonly token?: unknown
}

/** From the text of `{ expression, scope }` to the text of a RealmAnswer; never rejects. */
function createAnswer(jsonata: Jsonata, limits: RealmLimits): (request: string) => Promise<string> {
  const compiled = new Map<string, Expression>()

  function compile(expression: string): Expression {
    const known = compiled.get(expression)
    if (known !== undefined) return known
    if (compiled.size === 500) compiled.clear()
    const made = jsonata(expression, { timeout: limits.timeout, stack: limits.stack, sequence: limits.sequence })
    compiled.set(expression, made)
    return made
  }

  return async request => {
    try {
      const { expression, scope } = JSON.parse(request)
      const value: unknown = await compile(expression).evaluate(scope)
      if (value === undefined) return '{}'
      refuseNonJson(value, limits)
      return `{"value":${JSON.stringify(value)}}`
    } catch (thrown) {
      return JSON.stringify({ error: failureOf(thrown as Thrown | null, limits) })
    }
  }
}

/**
 * Sums up the least size of the text on the way: parts that are shared can make a small value a huge text, and one that
 * holds itself an endless one. The process measures what is written.
 */
function refuseNonJson(result: unknown, limits: RealmLimits): void {
  const trail: (string | number)[] = []
  let size = 0

  const refuse = (code: RealmFailure['code'], what: string): never => {
    throw Object.assign(new Error(`the result ${what}`), { code })
  }
  const refuseHere = (what: string): never => {
    const where = trail.map(key => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
    return refuse('EXPRESSION_NOT_JSON', where === '' ? `is ${what}` : `has ${what} at ${where}`)
  }
  const visit = (value: unknown): void => {
    size += typeof value === 'string' ? value.length + 2 : 1
    if (size > limits.output) refuse('EXPRESSION_TOO_LARGE', `is more than ${limits.output} bytes of JSON`)
    if (typeof value === 'number' && !Number.isFinite(value)) refuseHere(`${value}, a number JSON cannot hold`)
    if (value === undefined) refuseHere('nothing, which JSON cannot hold')
    if (typeof value === 'function') refuseHere('a function')
    if (typeof value !== 'object' || value === null) return
    const marks = value as { _jsonata_function?: unknown; _jsonata_lambda?: unknown }
    if (marks._jsonata_function === true || marks._jsonata_lambda === true) refuseHere('a function')
    if (trail.length >= limits.depth) refuse('EXPRESSION_TOO_LARGE', `is nested deeper than ${limits.depth} levels`)
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        trail.push(index)
        visit(value[index])
        trail.pop()
      }
      return
    }
    for (const key of Object.keys(value)) {
      size += key.length + 3
      trail.push(key)
      visit((value as Record<string, unknown>)[key])
      trail.pop()
    }
  }
  visit(result)
}

function failureOf(thrown: Thrown | null, limits: RealmLimits): RealmFailure {
  const text = String(thrown?.message ?? thrown)
  const message = text.length > 500 ? `${text.slice(0, 500)}…` : text
  const tooLarge = (what: string): RealmFailure => ({ code: 'EXPRESSION_TOO_LARGE', message: what })
  if (thrown instanceof RangeError && /call stack/.test(text)) return tooLarge('the expression recurses too deeply')
  if (thrown instanceof RangeError) return tooLarge(`a value of the expression grows too large (${message})`)
  const code = thrown?.code
  if (code === 'D1012')
    return { code: 'EXPRESSION_TIMEOUT', message: `the expression runs longer than ${limits.timeout} ms` }
  if (code === 'D1011') return tooLarge(`the expression recurses deeper than ${limits.stack} levels`)
  if (code === 'D2015') return tooLarge(`the expression makes an array of more than ${limits.sequence} items`)
  if (code === 'EXPRESSION_NOT_JSON' || code === 'EXPRESSION_TOO_LARGE') return { code, message }
  return {
    code: 'EXPRESSION_FAILED',
    message,
    ...(typeof thrown?.position === 'number' ? { position: thrown.position } : {}),
    ...(typeof thrown?.token === 'string' ? { token: thrown.token.slice(0, 100) } : {}),
  }
}

/** For `$base64encode` and `$base64decode`, which look for a browser's window; bytes are the characters 0 to 255. */
function createWindow(): { btoa(text: string): string; atob(text: string): string } {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return {
    btoa(text) {
      let encoded = ''
      for (let at = 0; at < text.length; at += 3) {
        const bytes = [0, 1, 2].map(i => text.charCodeAt(at + i) & 0xff) // NaN & 0xff is 0
        const [a = 0, b = 0, c = 0] = bytes
        const quad = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63]
        encoded += quad.map((digit, i) => (at + i > text.length ? '=' : digits[digit])).join('')
      }
      return encoded
    },
    atob(text) {
      let decoded = ''
      let bits = 0
      let held = 0
      for (const char of text.replace(/-/g, '+').replace(/_/g, '/')) {
        const digit = digits.indexOf(char)
        if (char === '=') break
        if (digit === -1) continue
        held = (held << 6) | digit
        bits += 6
        if (bits < 8) continue
        bits -= 8
        decoded += String.fromCharCode((held >> bits) & 0xff)
        held &= (1 << bits) - 1
      }
      return decoded
    },
  }
}

/** To be run before jsonata in the realm. */
export const realmPrelude = `var module = { exports: {} }, exports = module.exports, window = (${createWindow})()`

/** To be run after it: defines `step()`, which takes the global `request` and leaves the global `response`. */
export function realmSource(limits: RealmLimits): string {
  return `'use strict'
    ${createAnswer}
    ${refuseNonJson}
    ${failureOf}
    var request, response, answer = createAnswer(module.exports, ${JSON.stringify(limits)})
    function step() {
      response = ''
      answer(request).then(text => { response = text })
    }
    for (const { prototype } of [Object, Array, Function, String, Number, Boolean, RegExp, Promise, Date, Error]) {
      Object.preventExtensions(prototype) // an expression leaves nothing behind for the next
    }`
}
