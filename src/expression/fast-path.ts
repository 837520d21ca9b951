// The expressions that are evaluated in-process: literals, plain paths, comparisons, and/or/not, conditions and
// constructors of those. Nothing here can loop, allocate more than the expression has parts, or call what data names;
// everything else goes to the sandbox.
//
// 1. The result is exactly jsonata's. Where that would take more than a few lines (an array within a path, two objects
//    compared, a type error to be worded), the closure hands over at run time instead.
// 2. A syntax node with any mark that is not known here is not compiled: features are never skipped over.
import type { Json, JsonObject } from '../base/json.ts'
import { type AstNode, leftOf, pairsOf } from './ast.ts'

/** The value over a scope; undefined = nothing. Throws `handOver` when the data asks for the sandbox. */
export type FastPath = (scope: JsonObject) => Json | undefined

/** Thrown, without a stack, when only the sandbox can tell the result. */
export const handOver: unique symbol = Symbol('hand over to the sandbox')

/** null = not an expression for the fast path. */
export function compileFastPath(node: AstNode | undefined): FastPath | null {
  switch (node?.type) {
    case 'string':
    case 'number':
    case 'value':
      return literal(node)
    case 'path':
      return path(node)
    case 'binary':
      return binary(node)
    case 'block':
      return node.expressions?.length === 1 && only(node, 'expressions') ? compileFastPath(node.expressions[0]) : null
    case 'condition':
      return condition(node)
    case 'function':
      return call(node)
    case 'unary':
      return node.value === '[' ? arrayOf(node) : node.value === '{' ? objectOf(node) : null
    default:
      return null
  }
}

/** Whether a node has no marks besides the ones every node has and these. */
function only(node: AstNode, ...known: readonly string[]): boolean {
  return Object.keys(node).every(key => key === 'type' || key === 'value' || key === 'position' || known.includes(key))
}

function literal(node: AstNode): FastPath | null {
  if (!only(node)) return null
  const value = node.value as Json
  return () => value
}

interface Step {
  readonly key: string
  readonly indexes: readonly number[]
}

function path(node: AstNode): FastPath | null {
  if (!only(node, 'steps')) return null
  const steps: Step[] = []
  for (const step of node.steps ?? []) {
    const indexes = (step.stages ?? []).map(indexOf)
    if (step.type !== 'name' || !only(step, 'stages') || indexes.includes(null)) return null
    steps.push({ key: step.value as string, indexes: indexes as number[] })
  }
  return scope => {
    let value: Json | undefined = scope
    for (const { key, indexes } of steps) {
      if (Array.isArray(value)) throw handOver
      value = member(value as Json, key)
      for (let i = 0; i < indexes.length; i++) value = element(value, indexes[i] as number)
      if (value === undefined) return undefined
      if (isFunction(value)) throw handOver
    }
    return value
  }
}

function indexOf(stage: AstNode): number | null {
  const { expr } = stage
  const plain = stage.type === 'filter' && only(stage, 'expr') && expr?.type === 'number' && only(expr)
  return plain ? Math.floor(expr.value as number) : null
}

function member(value: Json, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as JsonObject)[key]
}

/** What is not an array counts as an array of itself. */
function element(value: Json | undefined, index: number): Json | undefined {
  if (Array.isArray(value)) return value.at(index) as Json | undefined
  return index === 0 || index === -1 ? value : undefined
}

/** jsonata tells its functions by these properties; data that has them is a function to it, and does as it likes. */
function isFunction(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false
  const object = value as JsonObject
  return object._jsonata_function === true || object._jsonata_lambda === true
}

function binary(node: AstNode): FastPath | null {
  const make = operators[node.value as string]
  const left = compileFastPath(leftOf(node))
  const right = compileFastPath(node.rhs)
  if (make === undefined || left === null || right === null || !only(node, 'lhs', 'rhs')) return null
  return make(left, right)
}

const operators: Readonly<Record<string, ((left: FastPath, right: FastPath) => FastPath) | undefined>> = {
  '=': (left, right) => scope => equal(left(scope), right(scope), true),
  '!=': (left, right) => scope => equal(left(scope), right(scope), false),
  '<': (left, right) => scope => compare(left(scope), right(scope), (a, b) => a < b),
  '<=': (left, right) => scope => compare(left(scope), right(scope), (a, b) => a <= b),
  '>': (left, right) => scope => compare(left(scope), right(scope), (a, b) => a > b),
  '>=': (left, right) => scope => compare(left(scope), right(scope), (a, b) => a >= b),
  and: (left, right) => scope => isTrue(left(scope)) && isTrue(right(scope)),
  or: (left, right) => scope => isTrue(left(scope)) || isTrue(right(scope)),
  in: (left, right) => scope => includes(left(scope), right(scope)),
}

/** Neither equal nor unequal to nothing. */
function equal(left: Json | undefined, right: Json | undefined, wanted: boolean): boolean {
  if (left === undefined || right === undefined) return false
  if (isComposite(left) && isComposite(right)) throw handOver
  return (left === right) === wanted
}

function compare(
  left: Json | undefined,
  right: Json | undefined,
  holds: (a: string | number, b: string | number) => boolean,
): boolean | undefined {
  if (typeof left === 'number' && typeof right === 'number') return holds(left, right)
  if (typeof left === 'string' && typeof right === 'string') return holds(left, right)
  if (isComparable(left) && isComparable(right) && (left === undefined || right === undefined)) return undefined
  throw handOver
}

function includes(left: Json | undefined, right: Json | undefined): boolean {
  if (left === undefined || right === undefined) return false
  if (isComposite(left)) throw handOver
  return Array.isArray(right) ? right.includes(left) : right === left
}

function isComposite(value: Json): boolean {
  return typeof value === 'object' && value !== null
}

function isComparable(value: Json | undefined): boolean {
  return value === undefined || typeof value === 'number' || typeof value === 'string'
}

/** jsonata's idea of truth: nothing, null, 0, '', {} and arrays without anything true are false. */
function isTrue(value: Json | undefined): boolean {
  if (typeof value !== 'object') return Boolean(value)
  if (value === null) return false
  if (Array.isArray(value)) return value.some(isTrue)
  return Object.keys(value).length > 0 && !isFunction(value)
}

/** Also what `??` and `?:` are parsed into. */
function condition(node: AstNode): FastPath | null {
  const test = compileFastPath(node.condition)
  const yes = compileFastPath(node.then)
  const no = node.else === undefined ? () => undefined : compileFastPath(node.else)
  if (test === null || yes === null || no === null || !only(node, 'condition', 'then', 'else')) return null
  return scope => (isTrue(test(scope)) ? yes(scope) : no(scope))
}

const functions: Readonly<Record<string, ((value: Json | undefined) => Json | undefined) | undefined>> = {
  not: value => (value === undefined ? undefined : !isTrue(value)),
  boolean: value => (value === undefined ? undefined : isTrue(value)),
  exists: value => value !== undefined,
}

function call(node: AstNode): FastPath | null {
  const { procedure, arguments: given } = node
  if (procedure?.type !== 'variable' || !only(procedure) || !only(node, 'name', 'procedure', 'arguments')) return null
  const run = Object.hasOwn(functions, procedure.value as string) ? functions[procedure.value as string] : undefined
  const argument = given?.length === 1 ? compileFastPath(given[0]) : null
  if (run === undefined || argument === null) return null
  return scope => run(argument(scope))
}

/** Arrays among the items are flattened into it, except array constructors. */
function arrayOf(node: AstNode): FastPath | null {
  const items = (node.expressions ?? []).map(item => ({ value: compileFastPath(item), whole: item.value === '[' }))
  if (!only(node, 'expressions') || items.some(item => item.value === null)) return null
  return scope => {
    const array: Json[] = []
    for (const item of items) {
      const value = (item.value as FastPath)(scope)
      if (Array.isArray(value) && !item.whole) for (const inner of value) array.push(inner)
      else if (value !== undefined) array.push(value)
    }
    return array
  }
}

/** Keys jsonata refuses, or that mean something else when assigned to. */
const SPECIAL_KEYS: readonly unknown[] = ['_jsonata_function', '_jsonata_lambda', '__proto__']

function objectOf(node: AstNode): FastPath | null {
  const pairs = pairsOf(node).map(([key, value]) => ({ key, value: compileFastPath(value) }))
  const keys = new Set(pairs.map(pair => pair.key.value))
  const plain = pairs.every(({ key }) => key.type === 'string' && only(key) && !SPECIAL_KEYS.includes(key.value))
  if (!only(node, 'lhs') || !plain || keys.size < pairs.length || pairs.some(pair => pair.value === null)) return null
  return scope => {
    const object: Record<string, Json> = {}
    for (const pair of pairs) {
      const value = (pair.value as FastPath)(scope)
      if (value !== undefined) object[pair.key.value as string] = value
    }
    return object
  }
}
