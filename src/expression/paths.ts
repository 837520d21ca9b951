// The paths from the scope that an expression writes out: `nodes.fetch.output.items` in `$sum(nodes.fetch.output.items.price)`
// goes on into a list, but how it begins is known before anything is evaluated.
import { isDeepStrictEqual } from 'node:util'
import type { JsonPath } from '../base/json-path.ts'
import { type AstNode, forEachPart } from './ast.ts'

export interface WrittenPath {
  readonly keys: JsonPath
  /** Offsets in the expression at which its keys end. */
  readonly ends: readonly number[]
}

export interface WrittenPaths {
  readonly used: readonly WrittenPath[]
  /** Those of which the expression asks whether they are there: by `$exists(…)`, `??` or `?:`. */
  readonly asked: readonly JsonPath[]
}

export function pathsOf(root: AstNode): WrittenPaths {
  const used: WrittenPath[] = []
  const asked: JsonPath[] = []

  function visit(node: AstNode, { atRoot, asking }: { atRoot: boolean; asking: boolean }): void {
    const path = node.type === 'path' ? written(node.steps ?? [], atRoot) : undefined
    if (path !== undefined && asking) asked.push(path.keys)
    else if (path !== undefined) used.push(path)
    forEachPart(node, (part, inner) => {
      visit(part, { atRoot: atRoot && !inner, asking: asking || asksFor(node, part) })
    })
  }

  visit(root, { atRoot: true, asking: false })
  return { used, asked }
}

/** `a ?? b` is parsed as `$exists(a) ? a : b`, and `a ?: b` as `a ? a : b` with the same `a` twice. */
function asksFor({ type, procedure, condition, then }: AstNode, part: AstNode): boolean {
  if (type === 'function') return procedure?.value === 'exists' && part !== procedure
  return type === 'condition' && part === condition && isDeepStrictEqual(condition, then)
}

/** As far as the steps are names, and indexes that are numbers; undefined where they do not begin at the scope. */
function written(all: readonly AstNode[], atRoot: boolean): WrittenPath | undefined {
  const namesScope = all[0]?.type === 'variable' && all[0].value === '$' // $$
  const keys: (string | number)[] = []
  const ends: number[] = []
  for (const step of namesScope ? all.slice(1) : atRoot ? all : []) {
    if (step.type !== 'name' || step.focus !== undefined) break
    keys.push(step.value as string)
    ends.push(step.position ?? 0)
    const indexes = (step.stages ?? []).map(({ expr }) =>
      expr?.type === 'number' ? Math.floor(expr.value as number) : null,
    )
    const known = indexes.includes(null) ? indexes.slice(0, indexes.indexOf(null)) : indexes
    keys.push(...(known as number[]))
    ends.push(...known.map(() => step.position ?? 0))
    if (known.length < indexes.length) break
  }
  return keys.length === 0 ? undefined : { keys, ends }
}
