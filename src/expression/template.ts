// Strings with `{{ expression }}` inside, in any JSON value but not in its keys.
//
// 1. A string that is exactly one `{{ }}` becomes the value itself; within other text a string is inserted as it is and
//    every other value as its JSON text (null as `null`), the way JSONata's own `&` does it.
// 2. Values are data: what is inserted is never read as a template again.
// 3. Nothing is defaulted: an expression that yields nothing is an error; `{{ input.name ?? "" }}` says what to use instead.
// 4. `}}` ends the expression unless it is part of it (a string, a comment, nested braces); `{{ "{{" }}` writes the braces.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { createLru } from '../base/lru.ts'
import {
  checkExpression,
  type Evaluator,
  ExpressionError,
  type ExpressionErrorCode,
  evaluateHere,
  expressionLimits,
} from './expression.ts'
import { handOver } from './fast-path.ts'
import { refuseMissing, whatIsMissing } from './missing.ts'
import { scan } from './scan.ts'
import { shorten } from './wording.ts'

interface Template {
  readonly parts: readonly (string | { readonly expression: string })[]
  /** Where a `{{` stands that is never closed. */
  readonly unclosed: number | undefined
}

/** Whether any string inside holds `{{ }}`. */
export function hasTemplates(value: Json): boolean {
  if (typeof value === 'string') return value.includes('{{')
  return typeof value === 'object' && value !== null && Object.values(value).some(hasTemplates)
}

/** Whether the text is one `{{ }}` and nothing else, so that it becomes the value itself. */
export function isOneTemplate(text: string): boolean {
  const { parts } = parse(text)
  return parts.length === 1 && typeof parts[0] !== 'string'
}

/** Syntax problems of every template inside `value`; paths start at `path`. */
export function checkTemplates(value: Json, path: string): Problem[] {
  if (typeof value !== 'string')
    return childrenOf(value, path).flatMap(child => checkTemplates(child.value, child.path))
  if (!value.includes('{{')) return []
  const { parts, unclosed } = parse(value)
  const problems = parts.flatMap(part => {
    if (typeof part === 'string') return []
    const problem = checkExpression(part.expression)
    return problem === null ? [] : [{ path, message: `${quote(part.expression)}: ${problem.message}` }]
  })
  return unclosed === undefined ? problems : [...problems, { path, ...unclosedAt(unclosed) }]
}

/** Every expression inside of templates, with the path of the string it stands in. */
export function templateExpressions(value: Json, path: string): { path: string; expression: string }[] {
  if (typeof value !== 'string')
    return childrenOf(value, path).flatMap(child => templateExpressions(child.value, child.path))
  if (!value.includes('{{')) return []
  return parse(value).parts.flatMap(part => (typeof part === 'string' ? [] : [{ path, expression: part.expression }]))
}

/** What fills templates in. */
export interface TemplateSources extends Evaluator {
  /** The value of the secret that `{{ secrets.name }}` names; absent where none may be named. */
  readonly secret?: ((name: string) => Promise<string>) | undefined
}

/**
 * The name in `secrets.name`, else null. This is all a template can do with a secret: its value is inserted here, and does
 * not get into the scope, nor from there into the sandbox and what that says of errors.
 */
export function secretNamed(expression: string): string | null {
  return /^\s*secrets\.([A-Za-z][A-Za-z0-9_]{0,63})\s*$/.exec(expression)?.[1] ?? null
}

/** `value` with every template replaced. A string that is one lone `{{ }}` keeps the type of its value. Throws ExpressionError naming the path. */
export async function renderTemplates(value: Json, scope: JsonObject, sources: TemplateSources): Promise<Json> {
  const evaluate = (expression: string): Json | undefined | Promise<Json | undefined> => {
    const secret = secretNamed(expression)
    if (secret !== null) return sources.secret?.(secret)
    if (sources.strict) refuseMissing(expression, scope)
    const here = evaluateHere(expression, scope)
    return here === handOver ? sources.evaluate(expression, scope) : here
  }
  const missing = (expression: string): string | undefined => whatIsMissing(expression, scope)
  return render(value, '', { evaluate, missing, left: expressionLimits.rendered })
}

interface Rendering {
  evaluate(expression: string): Json | undefined | Promise<Json | undefined>
  /** Why it found nothing, where that can be told. */
  missing(expression: string): string | undefined
  /** Characters that may still be put together. */
  left: number
}

/** What is at hand is rendered at once; promises come only from the sandbox and from errors. Never throws: they reject. */
function render(value: Json, path: string, rendering: Rendering): Json | Promise<Json> {
  if (typeof value === 'string') return value.includes('{{') ? renderText(value, path, rendering) : value
  if (typeof value !== 'object' || value === null) return value
  const children = childrenOf(value, path)
  const rendered = children.map(child => render(child.value, child.path, rendering))
  return whenAll(rendered, values =>
    Array.isArray(value) ? values : Object.fromEntries(children.map(({ key }, i) => [key, values[i] as Json])),
  )
}

function renderText(text: string, path: string, rendering: Rendering): Json | Promise<Json> {
  const { parts, unclosed } = parse(text)
  if (unclosed !== undefined)
    return Promise.reject(errorAt(path, 'EXPRESSION_SYNTAX', { message: unclosedAt(unclosed).message }))
  const values = parts.map(part => (typeof part === 'string' ? part : valueAt(path, part.expression, rendering)))
  if (parts.length === 1 && typeof parts[0] !== 'string') return values[0] as Json | Promise<Json>
  return whenAll(values, all => {
    const texts = all.map(value => {
      const inserted = typeof value === 'string' ? value : JSON.stringify(value)
      rendering.left -= inserted.length
      if (rendering.left >= 0) return inserted
      const message = `templates may put together ${expressionLimits.rendered} characters of text in all`
      throw errorAt(path, 'EXPRESSION_TOO_LARGE', { message })
    })
    return texts.join('')
  })
}

function valueAt(path: string, expression: string, { evaluate, missing }: Rendering): Json | Promise<Json> {
  const found = (value: Json | undefined): Json => {
    if (value !== undefined) return value
    const why = missing(expression)
    const said = `${quote(expression)} yields nothing${why === undefined ? '' : ` (${why})`}`
    const message = `${said}; \`?? "…"\` behind it says what to use instead`
    throw errorAt(path, 'EXPRESSION_MISSING', { message })
  }
  const named = (error: unknown): never => {
    if (!(error instanceof ExpressionError) || error.path !== undefined) throw error
    const { code, message, position } = error
    throw errorAt(path, code, { message: `${quote(expression)}: ${message}`, position })
  }
  try {
    const value = evaluate(expression)
    return value instanceof Promise ? value.then(found).catch(named) : found(value)
  } catch (error) {
    return Promise.reject(error).catch(named)
  }
}

function whenAll(
  values: readonly (Json | Promise<Json>)[],
  then: (values: readonly Json[]) => Json,
): Json | Promise<Json> {
  if (values.some(value => value instanceof Promise)) return Promise.all(values).then(then)
  try {
    return then(values as readonly Json[])
  } catch (error) {
    return Promise.reject(error)
  }
}

const cache = createLru<string, Template>(500)

function parse(text: string): Template {
  const known = cache.get(text)
  if (known !== undefined) return known
  const parts: Template['parts'][number][] = []
  let unclosed: number | undefined
  for (let from = 0; from < text.length; ) {
    const start = text.indexOf('{{', from)
    const plain = text.slice(from, start === -1 ? undefined : start)
    if (plain !== '') parts.push(plain)
    if (start === -1) break
    const { end, closed } = scan(text, start + 2, true)
    if (closed) parts.push({ expression: text.slice(start + 2, end).trim() })
    else unclosed = start
    from = end + 2
  }
  const template: Template = { parts, unclosed }
  if (text.length <= expressionLimits.source) cache.set(text, template) // long texts would fill memory before the cache
  return template
}

function childrenOf(
  value: Json,
  path: string,
): { readonly key: string; readonly value: Json; readonly path: string }[] {
  if (Array.isArray(value))
    return value.map((item: Json, i) => ({ key: String(i), value: item, path: `${path}[${i}]` }))
  if (!isJsonObject(value)) return []
  return Object.entries(value).map(([key, item]) => ({ key, value: item, path: memberPath(path, key) }))
}

function memberPath(path: string, key: string): string {
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

function unclosedAt(start: number): Omit<Problem, 'path'> {
  return {
    message: `the {{ at character ${start + 1} is not closed by }}`,
    hint: 'braces, brackets and quotes within it must be closed too; the characters {{ themselves are written {{ "{{" }}',
  }
}

function quote(expression: string): string {
  return `{{ ${shorten(expression, 60)} }}`
}

function errorAt(
  path: string,
  code: ExpressionErrorCode,
  { message, position }: { message: string; position?: number | undefined },
): ExpressionError {
  const error = new ExpressionError(code, path === '' ? message : `${path}: ${message}`, position)
  error.path = path
  return error
}
