// What jsonata says about an expression, in words a user of MBFlow can act on.
import { messageOf } from '../base/errors.ts'

/** What is known of an error jsonata threw. */
export interface JsonataError {
  readonly code?: string
  readonly message?: string
  /** Where jsonata stood: behind the token, mostly. */
  readonly position?: number
  readonly token?: unknown
  readonly value?: unknown
}

export interface Wording {
  readonly message: string
  /** Character offset. */
  readonly position: number | undefined
}

const SYNTAX: Readonly<Record<string, (token: string, value: string) => string>> = {
  S0101: () => 'a string is not closed by its quote',
  S0102: token => `the number ${token} is out of range`,
  S0103: token => `the escape \\${token} does not exist`,
  S0104: () => '\\u must be followed by four hexadecimal digits',
  S0105: () => 'a quoted name is not closed by its backquote',
  S0106: () => 'a comment is not closed by */',
  S0201: token => `"${token}" is not expected here`,
  S0202: (token, value) => `expected "${value}" but found "${token}"`,
  S0203: (_, value) => `"${value}" is missing at the end`,
  S0204: token => `there is no operator "${token}"`,
  S0205: token => `"${token}" is not expected here`,
  S0206: token => `"${token}" is not expected here`,
  S0207: () => 'it ends where a value is expected',
  S0208: token => `the parameter "${token}" of a function must be a variable ($name)`,
  S0209: () => 'a predicate [ ] cannot follow a grouping { }',
  S0210: () => 'a step can have one grouping { } only',
  S0211: token => `a value is expected before "${token}"`,
  S0212: token => `only a variable ($name) can be assigned to, not "${token}"`,
  S0213: (_, value) => `${value} cannot be a step of a path`,
  S0214: token => `"${token}" must be followed by a variable ($name)`,
  S0215: () => 'a binding (@$name) must come before predicates',
  S0216: () => 'a binding (@$name) must come before an order-by',
  S0217: () => '"%" has no parent to refer to here',
  S0301: () => 'a regular expression is empty',
  S0302: () => 'a regular expression is not closed by /',
  S0401: () => 'only functions and arrays take type parameters in a signature',
  S0402: () => 'a choice of parameterized types is not supported in a signature',
}

/** How the same is written in JSONata, for what people bring along from other languages. */
const HINTS: readonly { readonly written: RegExp; readonly hint: string }[] = [
  { written: /^={1,2}$/, hint: 'equality is written with a single =' },
  { written: /^&&?$/, hint: 'logical and is written: and' },
  { written: /^\|\|?$/, hint: 'logical or is written: or' },
  { written: /^!$/, hint: 'negation is written $not(…), inequality !=' },
]

export function syntaxWording(thrown: unknown, source: string): Wording {
  const error = thrown as JsonataError
  const token = shorten(String(error.token ?? ''), 30)
  const say = SYNTAX[error.code ?? '']
  const position = startOf(error, source)
  const said = say?.(token, shorten(String(error.value ?? ''), 30)) ?? messageOf(thrown)
  const hint = HINTS.find(({ written }) => written.test(token))?.hint
  return { message: `${said}${place(position, source)}${hint === undefined ? '' : `; ${hint}`}`, position }
}

/** What went wrong while evaluating: jsonata's own text, or that of the expression's `$error`. */
export function failureWording(error: JsonataError, source: string): Wording {
  const position = startOf(error, source)
  return { message: `${error.message ?? 'it failed'}${place(position, source)}`, position }
}

function startOf({ position, token, value }: JsonataError, source: string): number | undefined {
  if (position === undefined) return undefined
  const text = String(token ?? value ?? '')
  return source.slice(position - text.length, position) === text
    ? position - text.length
    : Math.min(position, source.length)
}

function place(position: number | undefined, source: string): string {
  if (position === undefined) return ''
  const [start, end] = [Math.max(0, position - 15), position + 15]
  const near = source.slice(start, end).replace(/\s+/g, ' ').trim()
  return ` (character ${position + 1}, near \`${start > 0 ? '…' : ''}${near}${end < source.length ? '…' : ''}\`)`
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
