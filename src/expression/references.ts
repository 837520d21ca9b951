// Which parts of the scope an expression can look at, read from its syntax, so that only those are sent to the sandbox.
// When in doubt it is everything: sending too much costs time, sending too little changes the result.
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { type AstNode, forEachPart } from './ast.ts'

/** The names used of the scope, each with the keys used of it; 'all' = every name, or every key of a name. */
export type References = 'all' | ReadonlyMap<string, 'all' | ReadonlySet<string>>

/** jsonata's functions that take the context when called with fewer arguments, where a context that is an object is welcome. */
const TAKES_CONTEXT: Readonly<Record<string, number>> = {
  boolean: 1,
  clone: 1,
  each: 2,
  keys: 1,
  lookup: 2,
  not: 1,
  sift: 2,
  spread: 1,
  string: 1,
}

export function referencesOf(root: AstNode): References {
  const names = new Map<string, 'all' | Set<string>>()
  let everything = false

  function use(steps: readonly AstNode[]): void {
    const [first, second] = steps
    const name = first?.value as string
    const whole = second?.type !== 'name' || Object.keys(first ?? {}).length > 3 // more than type, value, position
    const known = names.get(name)
    if (whole || known === 'all') names.set(name, 'all')
    else names.set(name, (known ?? new Set()).add(second.value as string))
  }

  /** `atRoot`: the context the node is evaluated in is the scope itself, not something found in it. */
  function visit(node: AstNode, atRoot: boolean): void {
    everything ||= seesAll(node, atRoot)
    if (node.type === 'path' && atRoot && node.steps?.[0]?.type === 'name') use(node.steps)
    const isFullCall = node.type === 'function' && node.procedure?.type === 'variable' && takesAll(node)
    forEachPart(node, (part, inner) => {
      if (!isFullCall || part !== node.procedure) visit(part, atRoot && !inner)
    })
  }

  visit(root, true)
  return everything ? 'all' : names
}

/** Whether a node can look at the whole scope, or at more of it than its names say. */
function seesAll(node: AstNode, atRoot: boolean): boolean {
  switch (node.type) {
    case 'parent':
      return true
    case 'wildcard':
    case 'descendant':
      return atRoot
    case 'variable':
      if (node.value === '$' || node.value === 'eval') return true
      return atRoot && (node.value === '' || Object.hasOwn(TAKES_CONTEXT, node.value as string))
    case 'lambda':
      return node.signature !== undefined
    default:
      return node.focus !== undefined
  }
}

/** A call that leaves no room for the context. */
function takesAll({ procedure, arguments: given }: AstNode): boolean {
  const name = procedure?.value as string
  return Object.hasOwn(TAKES_CONTEXT, name) && (given?.length ?? 0) >= (TAKES_CONTEXT[name] ?? 0)
}

/** The parts of `scope` that are referred to. */
export function pick(scope: JsonObject, references: References): JsonObject {
  if (references === 'all') return scope
  return pickKeys(scope, references.keys(), (value, name) => {
    const keys = references.get(name)
    return keys === undefined || keys === 'all' || !isJsonObject(value) ? value : pickKeys(value, keys)
  })
}

function pickKeys(
  from: JsonObject,
  keys: Iterable<string>,
  part = (value: Json, _key: string): Json => value,
): JsonObject {
  const entries: [string, Json][] = []
  for (const key of keys) if (Object.hasOwn(from, key)) entries.push([key, part(from[key] as Json, key)])
  return Object.fromEntries(entries)
}
