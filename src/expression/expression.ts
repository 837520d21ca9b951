// Expressions are JSONata. This file is the border: what the rest of the program may ask of an expression.
import type { Problem } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'

export class ExpressionError extends Error {
  /** EXPRESSION_SYNTAX, EXPRESSION_FAILED, EXPRESSION_TIMEOUT, EXPRESSION_TOO_LARGE, EXPRESSION_NOT_JSON */
  readonly code: string
  /** Character offset in the expression, where known. */
  readonly position: number | undefined
  constructor(code: string, message: string, position?: number) {
    super(message)
    this.name = 'ExpressionError'
    this.code = code
    this.position = position
  }
}

export interface Evaluator {
  /** Evaluates over `scope`; undefined when the expression yields nothing. Throws ExpressionError. */
  evaluate(expression: string, scope: JsonObject): Promise<Json | undefined>
}

/** Syntax only; null when the expression compiles. */
export function checkExpression(_expression: string): Omit<Problem, 'path'> | null {
  throw new Error('to be written by the expression slice')
}
