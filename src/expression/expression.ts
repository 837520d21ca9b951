// Expressions are JSONata. This file is the border: what the rest of the program may ask of an expression.
//
// 1. User text reaches jsonata's parser only after `scan` has bounded its nesting; parsing therefore takes milliseconds.
// 2. In this process nothing is evaluated but the fast path; `sandbox` does the rest in child processes.
import jsonata from 'jsonata'
import type { Problem } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { JsonPath } from '../base/json-path.ts'
import { createLru } from '../base/lru.ts'
import type { AstNode } from './ast.ts'
import { isBounded } from './bounded.ts'
import { compileFastPath, type FastPath, handOver } from './fast-path.ts'
import { pathsOf, type WrittenPaths } from './paths.ts'
import { type References, referencesOf } from './references.ts'
import { scan } from './scan.ts'
import { syntaxWording } from './wording.ts'

export type ExpressionErrorCode =
  | 'EXPRESSION_SYNTAX'
  | 'EXPRESSION_FAILED' // what it does cannot be done with this data
  | 'EXPRESSION_MISSING' // a template yields nothing, or something strict names what is not there
  | 'EXPRESSION_NOT_JSON' // it yields a function, or a number JSON cannot hold
  | 'EXPRESSION_TOO_LARGE' // its text, data, result, memory or recursion passes a limit
  | 'EXPRESSION_TIMEOUT'
  | 'EXPRESSION_UNAVAILABLE' // no evaluator was free or alive; the expression itself may be fine

export class ExpressionError extends Error {
  readonly code: ExpressionErrorCode
  /** Character offset in the expression, where known. */
  readonly position: number | undefined
  /** Where in a rendered value the template stands. */
  path: string | undefined
  constructor(code: ExpressionErrorCode, message: string, position?: number) {
    super(message)
    this.name = 'ExpressionError'
    this.code = code
    this.position = position
  }
}

/** Whether it may be the fault of a busy machine, not of the expression. */
export function mayPass({ code }: ExpressionError): boolean {
  return code === 'EXPRESSION_UNAVAILABLE' || code === 'EXPRESSION_TIMEOUT'
}

export interface Evaluator {
  /** It refuses what writes out a path that is not there. */
  readonly strict?: true
  /**
   * Evaluates over `scope`; undefined when the expression yields nothing. Throws ExpressionError, and the reason of the
   * signal when it aborts; the signal is asked for only if there is something to wait for.
   */
  evaluate(expression: string, scope: JsonObject, abort?: Pick<AbortController, 'signal'>): Promise<Json | undefined>
}

export const expressionLimits = {
  /** Characters of an expression. */
  source: 4096,
  /** Brackets within brackets. */
  depth: 64,
  /** Characters once the left sides of `??` and `?:` are copied as often as jsonata's parser may copy them. */
  copied: 8192,
  /** Bytes of JSON of the parts of the scope an expression names. */
  input: 1024 * 1024,
  /** Bytes of JSON of a result of the sandbox. */
  output: 256 * 1024,
  /** Characters of all texts one rendering puts together. */
  rendered: 1024 * 1024,
} as const

export interface Compiled {
  /** null = for the sandbox. */
  readonly fastPath: FastPath | null
  readonly references: References
  readonly paths: WrittenPaths
  /** Whether jsonata can stop it by itself. */
  readonly bounded: boolean
}

const cache = createLru<string, Compiled>(500)

/** Throws ExpressionError (EXPRESSION_SYNTAX, EXPRESSION_TOO_LARGE). */
export function compile(expression: string): Compiled {
  const known = cache.get(expression)
  if (known !== undefined) return known
  refuseBeforeParsing(expression)
  try {
    const ast = jsonata(expression).ast() as AstNode
    const [fastPath, references] = [compileFastPath(ast), referencesOf(ast)]
    const compiled = { fastPath, references, paths: pathsOf(ast), bounded: isBounded(ast) }
    cache.set(expression, compiled)
    return compiled
  } catch (thrown) {
    if (thrown instanceof RangeError) throw tooLarge('is nested too deeply') // the stack, of jsonata or ours
    const { message, position } = syntaxWording(thrown, expression)
    throw new ExpressionError('EXPRESSION_SYNTAX', message, position)
  }
}

/** Syntax only; null when the expression compiles. */
export function checkExpression(expression: string): Omit<Problem, 'path'> | null {
  try {
    compile(expression)
    return null
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return { message: error.message }
  }
}

/** The names of the scope an expression uses; 'all' when it cannot be told, also for one that does not compile. */
export function referencesIn(expression: string): References {
  try {
    return compile(expression).references
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return 'all'
  }
}

/** The paths from the scope that an expression writes out; none for one that does not compile. */
export function pathsIn(expression: string): readonly JsonPath[] {
  try {
    const { used, asked } = compile(expression).paths
    return [...used.map(({ keys }) => keys), ...asked]
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return []
  }
}

/** The value where the fast path can tell it, `handOver` where only the sandbox can. Throws ExpressionError. */
export function evaluateHere(expression: string, scope: JsonObject): Json | undefined | typeof handOver {
  const { fastPath } = compile(expression)
  if (fastPath === null) return handOver
  try {
    return fastPath(scope)
  } catch (thrown) {
    if (thrown === handOver) return handOver
    throw thrown
  }
}

function refuseBeforeParsing(expression: string): void {
  if (expression.trim() === '') throw new ExpressionError('EXPRESSION_SYNTAX', 'the expression is empty', 0)
  const { source, depth, copied } = expressionLimits
  if (expression.length > source)
    throw tooLarge(`is ${expression.length} characters long, at most ${source} are allowed`)
  const read = scan(expression)
  if (read.depth > depth) throw tooLarge(`has brackets nested ${read.depth} deep, at most ${depth} are allowed`)
  if (expression.length * 2 ** read.copies > copied) {
    throw tooLarge(`has ?? and ?: nested ${read.copies} deep within left sides, too deep for its length`)
  }
  if (read.signature === undefined) return
  const message = 'a function signature may hold only lower-case type letters and - ? + ( ) < > :'
  throw new ExpressionError('EXPRESSION_SYNTAX', `${message} (character ${read.signature + 1})`, read.signature)
}

function tooLarge(message: string): ExpressionError {
  return new ExpressionError('EXPRESSION_TOO_LARGE', `the expression ${message}; divide the work over several nodes`)
}
