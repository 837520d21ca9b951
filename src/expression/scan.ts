// Reads JSONata the way jsonata's own tokenizer does, without building anything. Two things need it: a template must know
// which `}}` ends an expression, and some texts must be refused before jsonata's parser sees them, because the parser
// copies the left side of `??` and `?:`, so that each one nested in another's left side doubles the tree.
//
// 1. On every text jsonata accepts, it sees jsonata's tokens. `/` begins a regular expression exactly where an operand is
//    expected; the places where jsonata lexes otherwise are all syntax errors to its parser.
// 2. A tree has at most 2^copies times as many nodes as the text has tokens.

export interface Scan {
  /** Index of the `}}` that ends the expression; the length of the source when it runs to the end. */
  readonly end: number
  /** Whether it ended where it should: at `}}` in a template, at the end of the source otherwise. */
  readonly closed: boolean
  /** Brackets within brackets. */
  readonly depth: number
  /** `??` and `?:` within the left side of others. */
  readonly copies: number
  /** Where a function signature stands that holds more than type letters and marks: jsonata lexes it by other rules. */
  readonly signature: number | undefined
}

interface Group {
  readonly opener: string
  /** The parameters of a lambda, after which a signature may follow. */
  readonly lambda: boolean
  copies: number
  /** Copies within the operand now being read, which the next `??` would copy. */
  left: number
  /** Separators seen in a transform `|…|…|`. */
  bars: number
}

const SPACE = ' \t\n\r\v'
const OPERATORS = '.[]{}(),@#;:?+-*/%|=<>^&!~'
const DOUBLE = new Set(['..', ':=', '!=', '>=', '<=', '**', '~>', '?:', '??'])
const OPERANDS = new Set(['*', '**', '%', '?'])
const RESTART = new Set([',', ';', ':', ':=', '?', '|'])
const SIGNATURE = /<[\sa-z<>():?+-]*(?=\{)/y
const NUMBER = /(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][-+]?\d+)?/y

/** Scans the expression that begins at `start`; with `template` it ends at the first `}}` that is not part of it. */
export function scan(source: string, start = 0, template = false): Scan {
  const groups: Group[] = []
  let group = open('', false)
  let depth = 0
  let signature: number | undefined
  let operandNext = true
  let lastName = ''
  let at = start

  const result = (closed: boolean): Scan => {
    const copies = Math.max(group.copies, ...groups.map(outer => outer.copies))
    return { end: Math.min(at, source.length), closed, depth, copies, signature }
  }
  const enter = (opener: string): void => {
    groups.push(group)
    group = open(opener, opener === '(' && !operandNext && (lastName === 'function' || lastName === 'λ'))
    depth = Math.max(depth, groups.length)
    operandNext = true
  }
  const leave = (): Group => {
    const inner = group
    group = groups.pop() ?? group
    group.copies = Math.max(group.copies, inner.copies)
    group.left = Math.max(group.left, inner.copies)
    operandNext = false
    return inner
  }

  for (;;) {
    at = skipBlank(source, at)
    if (at >= source.length) return result(!template)
    const char = source.charAt(at)

    if (char === '"' || char === "'" || char === '`' || (char === '/' && operandNext) || !OPERATORS.includes(char)) {
      const end = skipOperand(source, at)
      const name = char === '`' ? source.slice(at + 1, end - 1) : source.slice(at, end)
      // `and`, `or` and `in` are names where an operand is expected and operators elsewhere.
      operandNext = !operandNext && (name === 'and' || name === 'or' || name === 'in') && char !== '`'
      lastName = name
      at = end
      continue
    }

    if (template && char === '}' && group.opener !== '{' && source[at + 1] === '}') return result(true)
    const pair = source.slice(at, at + 2)
    const operator = DOUBLE.has(pair) ? pair : char
    at += operator.length
    if ('([{'.includes(operator)) enter(operator)
    else if (')]}'.includes(operator)) {
      const left = leave()
      if (left.lambda && operator === ')') {
        const after = skipBlank(source, at)
        if (source[after] !== '<') continue
        SIGNATURE.lastIndex = after
        if (SIGNATURE.test(source)) at = SIGNATURE.lastIndex
        else signature ??= after
      }
    } else if (operator === '|' && operandNext) enter('|')
    else if (operator === '|' && group.opener === '|' && group.bars++ === 1) leave()
    else if (operandNext && OPERANDS.has(operator)) operandNext = false
    else {
      operandNext = true
      if (operator === '??' || operator === '?:') {
        group.copies = Math.max(group.copies, group.left + 1)
        group.left = 0
      } else if (RESTART.has(operator)) group.left = 0
    }
    lastName = ''
  }
}

function open(opener: string, lambda: boolean): Group {
  return { opener, lambda, copies: 0, left: 0, bars: 0 }
}

function skipBlank(source: string, at: number): number {
  for (;;) {
    while (at < source.length && SPACE.includes(source.charAt(at))) at++
    if (!source.startsWith('/*', at)) return at
    const end = source.indexOf('*/', at + 2)
    at = end === -1 ? source.length : end + 2
  }
}

/** The index after the string, quoted name, regular expression, number or name at `at`. */
function skipOperand(source: string, at: number): number {
  const char = source.charAt(at)
  if (char === '"' || char === "'") return skipString(source, at + 1, char)
  if (char === '/') return skipRegex(source, at + 1)
  if (char === '`') {
    const end = source.indexOf('`', at + 1)
    return end === -1 ? source.length : end + 1
  }
  NUMBER.lastIndex = at
  if (NUMBER.test(source)) return NUMBER.lastIndex
  while (at < source.length && !SPACE.includes(source.charAt(at)) && !OPERATORS.includes(source.charAt(at))) at++
  return at
}

function skipString(source: string, at: number, quote: string): number {
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1
  return at + 1
}

/** A slash ends it unless it is escaped or within brackets, as jsonata counts them: escaped ones not, classes like groups. */
function skipRegex(source: string, at: number): number {
  let depth = 0
  for (; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === '/' && depth === 0 && !escaped(source, at)) {
      at++
      while (source[at] === 'i' || source[at] === 'm') at++
      return at
    }
    if (source[at - 1] === '\\') continue
    if ('([{'.includes(char)) depth++
    if (')]}'.includes(char)) depth--
  }
  return at
}

function escaped(source: string, at: number): boolean {
  let backslashes = 0
  while (source[at - backslashes - 1] === '\\') backslashes++
  return backslashes % 2 === 1
}
