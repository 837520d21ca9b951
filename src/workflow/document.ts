// Text ↔ documents; the only file that knows YAML. JSON is read as the YAML it is. One workflow per document, documents
// separated by `---`; empty ones count for nothing.
//
// 1. Nothing is read as something else than what stands there: duplicate keys, tags, keys that are not text, whole numbers
//    too large to be exact and aliases that explode are problems, with their line and column.
// 2. What one document has wrong does not hide the others.
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, stringify, visit } from 'yaml'
import { messageOf, type Problem } from '../base/errors.ts'
import { childPath } from '../base/schema.ts'
import type { DocumentForm } from './form.ts'

const MAX_BYTES = 1024 * 1024
const MAX_ALIASES = 100

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
    return { documents: [], problems: [{ ...start, message: `has ${bytes} bytes, more than the limit of ${MAX_BYTES}` }] }
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
    return { problems: [{ path: '', message: `its aliases explode: ${messageOf(error)}`, ...placeAt(source, document.range[0]) }] }
  }
}

function placeAt({ lines }: Source, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}
