// What jsonata's parser returns, as far as this slice reads it (jsonata's own type lacks half of it).

/** `consarray`, `tuple`, `focus`, … are jsonata's marks for features; whoever reads a node exactly must know all its marks. */
export interface AstNode {
  readonly type: string
  readonly value?: unknown
  readonly position?: number
  /** path */
  readonly steps?: readonly AstNode[]
  /** variable bound to a step by @; the next step then starts from where this one did */
  readonly focus?: string
  /** predicates of a step */
  readonly stages?: readonly AstNode[]
  /** predicates of anything else */
  readonly predicate?: readonly AstNode[]
  /** of a predicate (stage) */
  readonly expr?: AstNode
  readonly group?: { readonly lhs: readonly AstPair[] }
  /** sort step */
  readonly terms?: readonly { readonly expression: AstNode }[]
  /** binary, bind, apply; the pairs of an object constructor */
  readonly lhs?: AstNode | readonly AstPair[]
  readonly rhs?: AstNode
  /** unary minus */
  readonly expression?: AstNode
  /** block, array constructor */
  readonly expressions?: readonly AstNode[]
  /** function, partial */
  readonly procedure?: AstNode
  readonly arguments?: readonly AstNode[]
  /** lambda */
  readonly body?: AstNode
  readonly signature?: unknown
  /** condition */
  readonly condition?: AstNode
  readonly then?: AstNode
  readonly else?: AstNode
  /** transform */
  readonly pattern?: AstNode
  readonly update?: AstNode
  readonly delete?: AstNode
}

export type AstPair = readonly [key: AstNode, value: AstNode]

/** The pairs of an object constructor; none for any other node. */
export function pairsOf(node: AstNode): readonly AstPair[] {
  return Array.isArray(node.lhs) ? (node.lhs as readonly AstPair[]) : []
}

/**
 * The parts of a node; `inner` of those that are evaluated in a context that is found, such as an item of a list, and not in
 * that of the node itself.
 */
export function forEachPart(node: AstNode, visit: (part: AstNode, inner: boolean) => void): void {
  const all = (parts: readonly (AstNode | undefined)[], inner: boolean): void => {
    for (const part of parts) if (part !== undefined) visit(part, inner)
  }
  const [first, ...rest] = node.steps ?? []
  all([first, node.procedure, leftOf(node), node.rhs, node.expression, node.body], false)
  all([node.condition, node.then, node.else], false)
  all([...(node.arguments ?? []), ...(node.expressions ?? []), ...pairsOf(node).flat()], false)
  all([...rest, ...[...(node.stages ?? []), ...(node.predicate ?? [])].map(stage => stage.expr)], true)
  all([...(node.group?.lhs ?? []).flat(), ...(node.terms ?? []).map(term => term.expression)], true)
  all([node.pattern, node.update, node.delete], true)
}

/** The left operand of a binary node. */
export function leftOf(node: AstNode): AstNode | undefined {
  return Array.isArray(node.lhs) ? undefined : (node.lhs as AstNode | undefined)
}
