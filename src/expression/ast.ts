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

/** The left operand of a binary node. */
export function leftOf(node: AstNode): AstNode | undefined {
  return Array.isArray(node.lhs) ? undefined : (node.lhs as AstNode | undefined)
}
