// Reads documents from files and applies all of them, or none: every problem of every file is reported first.
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MbflowError, messageOf, type Problem, systemCode } from '../base/errors.ts'
import { nodeTypes } from '../node/registry.ts'
import { type PlacedProblem, parseDocuments } from '../workflow/document.ts'
import { validateWorkflow } from '../workflow/validate.ts'
import type { WorkflowDocument } from '../workflow/workflow.ts'
import { type Applied, applyDocument } from './apply.ts'
import type { ArmDeps } from './arm.ts'
import { checkTrigger } from './check.ts'

const EXTENSIONS = new Set(['.yaml', '.yml', '.json'])

/** Throws FILE_UNREADABLE, DOCUMENT_INVALID with every problem of every file. */
export async function readDocuments(paths: readonly string[]): Promise<WorkflowDocument[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat()
  if (files.length === 0) {
    throw new MbflowError('FILE_UNREADABLE', `there is no document in ${paths.join(', ')}`, {
      hint: 'documents end in .yaml, .yml or .json',
    })
  }
  const documents: WorkflowDocument[] = []
  const problems: Problem[] = []
  const owners = new Map<string, string>()
  for (const file of files) {
    const read = check(await readText(file))
    for (const document of read.documents) {
      const owner = owners.get(document.name)
      if (owner !== undefined)
        problems.push({ path: file, message: `the workflow "${document.name}" is in ${owner} already` })
      owners.set(document.name, file)
    }
    documents.push(...read.documents)
    problems.push(...read.problems.map(problem => placed(file, problem)))
  }
  if (problems.length > 0) {
    throw new MbflowError(
      'DOCUMENT_INVALID',
      `${problems.length} problem${problems.length === 1 ? '' : 's'} in the documents; nothing was applied`,
      { problems },
    )
  }
  return documents
}

/** The documents of a text, or everything that is wrong with them. */
export function check(text: string): { documents: WorkflowDocument[]; problems: PlacedProblem[] } {
  const parsed = parseDocuments(text)
  const documents: WorkflowDocument[] = []
  const problems: PlacedProblem[] = [...parsed.problems]
  for (const { raw, place } of parsed.documents) {
    const { document, problems: found } = validateWorkflow(raw, { nodeTypes, checkTrigger })
    if (document !== undefined) documents.push(document)
    problems.push(...found.map(place))
  }
  return { documents, problems }
}

/** One transaction for all of them. */
export async function applyAll(
  deps: ArmDeps,
  wanted: { documents: readonly WorkflowDocument[]; prune: boolean; dryRun: boolean },
): Promise<Applied[]> {
  const applied: Applied[] = []
  try {
    await deps.pool.transaction(async tx => {
      applied.length = 0
      for (const document of wanted.documents)
        applied.push(await applyDocument(tx, deps, { document, prune: wanted.prune }))
      if (wanted.dryRun) throw new DryRun()
    })
  } catch (error) {
    if (!(error instanceof DryRun)) throw error
  }
  return applied
}

/** Rolls back what was only tried. */
class DryRun extends Error {}

const STDIN = '-'

async function filesAt(path: string): Promise<string[]> {
  if (path === STDIN) return [STDIN]
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = await readdir(path, { recursive: true })
    return names
      .filter(name => EXTENSIONS.has(extname(name)))
      .sort()
      .map(name => join(path, name))
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await (file === STDIN ? text(process.stdin) : readFile(file, 'utf8'))
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(path: string, cause: unknown): MbflowError {
  const isMissing = systemCode(cause) === 'ENOENT'
  const message = isMissing ? `there is no file or folder ${path}` : `cannot read ${path}: ${messageOf(cause)}`
  return new MbflowError('FILE_UNREADABLE', message, { cause, hint: 'name files, folders, or - for standard input' })
}

function placed(file: string, { line, column, path, message, hint }: PlacedProblem): Problem {
  const where = `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`
  return { path: where, message, ...(hint === undefined ? {} : { hint }) }
}
