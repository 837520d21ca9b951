import type { Problem } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Evaluator } from './expression.ts'

/** Whether any string inside holds `{{ }}`. */
export function hasTemplates(_value: Json): boolean {
  throw new Error('to be written by the expression slice')
}

/** Syntax problems of every template inside `value`; paths start at `path`. */
export function checkTemplates(_value: Json, _path: string): Problem[] {
  throw new Error('to be written by the expression slice')
}

/** `value` with every template replaced. A string that is one lone `{{ }}` keeps the type of its value. Throws ExpressionError naming the path. */
export async function renderTemplates(_value: Json, _scope: JsonObject, _evaluator: Evaluator): Promise<Json> {
  throw new Error('to be written by the expression slice')
}
