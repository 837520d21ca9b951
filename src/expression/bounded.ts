// Whether jsonata's own look at the clock, which it takes between two steps of an evaluation, is enough to stop an
// expression: none of its steps can take long. Interrupting a step costs a thread per evaluation, several times what a
// small evaluation costs itself, so it is left out where it cannot be needed. (The parent's kill stands in any case.)
//
// 1. No step backtracks, nor calls a function that takes more than time linear in its arguments.
// 2. No value is shared often: without variables, lambdas and constructors within paths all values are trees no larger
//    than the data times the expression, so that comparing or writing one takes linear time.
import { type AstNode, leftOf, pairsOf } from './ast.ts'

const LINEAR = new Set([
  ...['abs', 'average', 'ceil', 'count', 'floor', 'max', 'min', 'number', 'power', 'round', 'sqrt', 'sum'],
  ...[
    'contains',
    'join',
    'length',
    'lowercase',
    'string',
    'substring',
    'substringAfter',
    'substringBefore',
    'trim',
    'uppercase',
  ],
  ...['append', 'boolean', 'exists', 'keys', 'lookup', 'merge', 'millis', 'not', 'reverse', 'type'],
])

/** `inPath`: within a step or predicate of a path, which is evaluated for each item of the one before. */
export function isBounded(node: AstNode | undefined, inPath = false): boolean {
  if (node === undefined) return true
  const predicates = [...(node.stages ?? []), ...(node.predicate ?? [])].map(stage => stage.expr)
  const fits = node.group === undefined && node.focus === undefined && predicates.every(expr => isBounded(expr, true))
  return fits && hasBoundedParts(node, inPath)
}

function hasBoundedParts(node: AstNode, inPath: boolean): boolean {
  const all = (parts: readonly (AstNode | undefined)[], path = inPath): boolean =>
    parts.every(part => isBounded(part, path))
  switch (node.type) {
    case 'string':
    case 'number':
    case 'value':
    case 'name':
    case 'wildcard':
    case 'descendant':
      return true
    case 'variable':
      return node.value === '' || node.value === '$'
    case 'path': {
      const [first, ...rest] = node.steps ?? []
      return isBounded(first, inPath) && all(rest, true)
    }
    case 'sort':
      return all(
        (node.terms ?? []).map(term => term.expression),
        true,
      )
    case 'binary':
      return all([leftOf(node), node.rhs])
    case 'unary':
      return (
        (node.value === '-' || !inPath) && all([node.expression, ...(node.expressions ?? []), ...pairsOf(node).flat()])
      )
    case 'condition':
      return all([node.condition, node.then, node.else])
    case 'block':
      return all(node.expressions ?? [])
    case 'function':
      return (
        node.procedure?.type === 'variable' && LINEAR.has(node.procedure.value as string) && all(node.arguments ?? [])
      )
    default:
      return false
  }
}
