// Text ↔ documents; the only file that knows YAML. JSON is read as the YAML it is. One workflow per document, documents
// separated by `---`; empty ones count for nothing.
//
// 1. Nothing is read as something else than what stands there: duplicate keys, tags, keys that are not text, whole numbers
//    too large to be exact and aliases that multiply are problems, with their line and column.
// 2. What one document has wrong does not hide the others.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  stringify,
  visit,
  type YAMLError,
} from 'yaml'
import { excerpt, type Problem } from '../base/errors.ts'
import { childPath } from '../base/schema.ts'
import type { DocumentForm } from './form.ts'

const MAX_BYTES = 1024 * 1024
const MAX_ALIASES = 100
/** Of what the parser says, for it quotes the text: all of it, if it is a picture. */
const MAX_SAID = 200

/** A problem and where in the text it is; lines and columns count from 1. */
export interface PlacedProblem extends Problem {
  readonly line: number
  readonly column: number
}

export interface RawDocument {
  /** What it holds; nothing about its form is checked yet. */
  readonly raw: unknown
  /** Finds what the problem's path names, or the nearest thing around it. */
  place(problem: Problem): PlacedProblem
}

export interface ParsedText {
  readonly documents: readonly RawDocument[]
  readonly problems: readonly PlacedProblem[]
}

export function parseDocuments(text: string): ParsedText {
  const start = { path: '', line: 1, column: 1 }
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_BYTES)
    return {
      documents: [],
      problems: [{ ...start, message: `has ${bytes} bytes, more than the limit of ${MAX_BYTES}` }],
    }
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core', // also when the text asks for YAML 1.1, where `on` is a boolean
    resolveKnownTags: false,
    merge: true,
    stringKeys: true,
    logLevel: 'silent',
  })
  const documents: RawDocument[] = []
  const problems: PlacedProblem[] = []
  for (const document of parsed) {
    const read = readDocument(document, { text, lines })
    if ('problems' in read) problems.push(...read.problems)
    else if (read.raw !== null) documents.push(read)
  }
  if (documents.length === 0 && problems.length === 0) problems.push({ ...start, message: 'holds no workflow' })
  return { documents, problems }
}

/** A workflow as text that `parseDocuments` reads back as the same form. */
export function printDocument(form: DocumentForm): string {
  return stringify(form, { lineWidth: 0, aliasDuplicateObjects: false })
}

interface Source {
  readonly text: string
  readonly lines: LineCounter
}

function readDocument(document: Document.Parsed, source: Source): RawDocument | { problems: PlacedProblem[] } {
  const problems = [...syntaxProblems(document, source), ...valueProblems(document, source)]
  if (problems.length > 0) return { problems }
  try {
    const raw: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return { raw, place: problem => ({ ...problem, ...placeAt(source, offsetOf(document, problem.path)) }) }
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    const message = `its aliases repeat too much: they come to more than ${MAX_ALIASES}`
    return { problems: [{ path: '', message, ...placeAt(source, document.range[0]) }] }
  }
}

function syntaxProblems({ errors, warnings }: Document.Parsed, source: Source): PlacedProblem[] {
  // Once the parser has run out of stack its other errors are echoes.
  const exhausted = errors.find(error => error.code === 'RESOURCE_EXHAUSTION')
  const problems = new Map<string, PlacedProblem>()
  for (const error of exhausted ? [exhausted] : [...errors, ...warnings]) {
    const problem = { path: '', ...explain(error, source.text), ...placeAt(source, error.pos[0]) }
    const name = `${problem.line} ${problem.message}`
    if (!problems.has(name)) problems.set(name, problem)
  }
  return [...problems.values()]
}

function explain({ code, message, pos }: YAMLError, text: string): Omit<Problem, 'path'> {
  const before = text.slice(text.lastIndexOf('\n', pos[0] - 1) + 1, pos[0] + 1)
  if ((code === 'NON_STRING_KEY' || code === 'UNEXPECTED_TOKEN') && /(^|[:,[{-])\s*\{\{/.test(before))
    return { message: 'a value that begins with {{ must stand in quotes', hint: 'write "{{ … }}"' }
  switch (code) {
    case 'DUPLICATE_KEY':
      return {
        message: `the key ${excerpt(/^["']?([^:"'\n]+)/.exec(text.slice(pos[0]))?.[1] ?? '', 100)} is there twice`,
      }
    case 'TAB_AS_INDENT':
      return { message: 'this line is indented with a tab', hint: 'YAML is indented with spaces' }
    case 'RESOURCE_EXHAUSTION':
      return { message: 'is nested too deeply' }
    case 'NON_STRING_KEY':
      return { message: 'keys must be text' }
    case 'TAG_RESOLVE_FAILED':
      return { message: excerpt(message, MAX_SAID), hint: 'tags are not used here: write the value itself' }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { message: 'a second ": " in one line', hint: 'put a value that holds ": " in quotes' }
    default:
      return { message: excerpt(message, MAX_SAID) }
  }
}

/** What YAML allows and a document must not hold. */
function valueProblems(document: Document.Parsed, source: Source): PlacedProblem[] {
  const problems: PlacedProblem[] = []
  const report = (node: Node, message: string) =>
    problems.push({ path: '', message, ...placeAt(source, node.range?.[0] ?? 0) })
  visit(document, {
    Scalar(_, node) {
      const { value, source: written = '' } = node
      if (typeof value === 'number' && /^[-+]?\d{16,}$/.test(written) && String(value) !== written)
        report(node, `the number ${written} is too large to be exact; write it in quotes`)
    },
    Alias(_, node) {
      const anchored = node.resolve(document)
      const [start = 0, , end = 0] = anchored?.range ?? []
      const here = node.range?.[0] ?? 0
      if (!anchored) report(node, `the alias *${node.source} has no anchor before it`)
      else if (start <= here && here < end) report(node, `the alias *${node.source} stands inside of what it repeats`)
    },
  })
  return problems
}

/** Where what `path` names begins in the text, or the innermost thing around it that is there. */
function offsetOf(document: Document.Parsed, path: string): number {
  let here: Place | undefined = {
    path: '',
    offset: document.contents?.range[0] ?? document.range[0],
    node: document.contents,
  }
  let offset = here.offset
  while (here) {
    offset = here.offset
    here = childrenOf(document, here).find(
      ({ path: child }) => path === child || (/^[.[]/.test(path.slice(child.length)) && path.startsWith(child)),
    )
  }
  return offset
}

interface Place {
  readonly path: string
  readonly offset: number
  readonly node: unknown
}

function childrenOf(document: Document.Parsed, { path, node }: Place): Place[] {
  const target = isAlias(node) ? node.resolve(document) : node
  if (isSeq(target))
    return target.items.map((item, i) => ({
      path: childPath(path, i),
      offset: isNode(item) ? (item.range?.[0] ?? 0) : 0,
      node: item,
    }))
  if (!isMap(target)) return []
  return target.items.flatMap(({ key, value }) =>
    isScalar(key) ? [{ path: childPath(path, String(key.value)), offset: key.range?.[0] ?? 0, node: value }] : [],
  )
}

function placeAt({ lines }: Source, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}
