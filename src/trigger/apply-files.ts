// Reads documents from files and applies all of them, or none: every problem of every file is reported first.
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MbflowError, messageOf, type Problem, systemCode } from '../base/errors.ts'
import { isJsonObject } from '../base/json.ts'
import type { Tx } from '../db/pool.ts'
import type { NodeType } from '../node/node-type.ts'
import { nodeTypes } from '../node/registry.ts'
import { type PlacedProblem, parseDocuments } from '../workflow/document.ts'
import { validateWorkflow } from '../workflow/validate.ts'
import type { WorkflowDocument } from '../workflow/workflow.ts'
import { type Applied, applyDocument } from './apply.ts'
import type { ArmDeps } from './arm.ts'
import { type SharedCalendar, validateCalendar } from './calendar-document.ts'
import { applyCalendars, type CalendarOutcome, requireCalendars } from './calendars.ts'
import { checkTrigger } from './check.ts'

const EXTENSIONS = new Set(['.yaml', '.yml', '.json'])

/** What files hold. */
export interface Documents {
  readonly workflows: readonly WorkflowDocument[]
  readonly calendars: readonly SharedCalendar[]
}

/** Throws FILE_UNREADABLE, DOCUMENT_INVALID with every problem of every file. */
export async function readDocuments(
  paths: readonly string[],
  types: ReadonlyMap<string, NodeType>,
): Promise<Documents> {
  const files = (await Promise.all(paths.map(filesAt))).flat()
  if (files.length === 0) {
    throw new MbflowError('FILE_UNREADABLE', `there is no document in ${paths.join(', ')}`, {
      hint: 'documents end in .yaml, .yml or .json',
    })
  }
  const workflows: WorkflowDocument[] = []
  const calendars: SharedCalendar[] = []
  const problems: Problem[] = []
  const owners = new Map<string, string>()
  for (const file of files) {
    const read = check(await readText(file), types)
    for (const one of [...read.workflows.map(workflowName), ...read.calendars.map(calendarName)]) {
      const owner = owners.get(one)
      if (owner !== undefined) problems.push({ path: file, message: `the ${one} is in ${owner} already` })
      owners.set(one, file)
    }
    workflows.push(...read.workflows)
    calendars.push(...read.calendars)
    problems.push(...read.problems.map(problem => placed(file, problem)))
  }
  if (problems.length > 0) {
    throw new MbflowError(
      'DOCUMENT_INVALID',
      `${problems.length} problem${problems.length === 1 ? '' : 's'} in the documents; nothing was applied`,
      { problems },
    )
  }
  return { workflows, calendars }
}

const workflowName = ({ name }: WorkflowDocument): string => `workflow ${JSON.stringify(name)}`
const calendarName = ({ name }: SharedCalendar): string => `calendar ${JSON.stringify(name)}`

/** The documents of a text, or everything that is wrong with them. */
export function check(text: string, types = nodeTypes): Documents & { readonly problems: readonly PlacedProblem[] } {
  const parsed = parseDocuments(text)
  const workflows: WorkflowDocument[] = []
  const calendars: SharedCalendar[] = []
  const problems: PlacedProblem[] = [...parsed.problems]
  for (const { raw, place } of parsed.documents) {
    if (isJsonObject(raw) && 'kind' in raw) {
      const { calendar, problems: found } = validateCalendar(raw)
      if (calendar !== undefined) calendars.push(calendar)
      problems.push(...found.map(place))
    } else {
      const { document, problems: found } = validateWorkflow(raw, { nodeTypes: types, checkTrigger })
      if (document !== undefined) workflows.push(document)
      problems.push(...found.map(place))
    }
  }
  return { workflows, calendars, problems }
}

export interface AllApplied {
  readonly calendars: readonly CalendarOutcome[]
  readonly workflows: readonly Applied[]
}

/** One transaction for all of them. */
export async function applyAll(
  deps: ArmDeps,
  wanted: { documents: Documents; prune: boolean; dryRun: boolean },
): Promise<AllApplied> {
  let applied: AllApplied = { calendars: [], workflows: [] }
  try {
    await deps.pool.transaction(async tx => {
      applied = await applyEach(tx, deps, wanted)
      if (wanted.dryRun) throw new DryRun()
    })
  } catch (error) {
    if (!(error instanceof DryRun)) throw error
  }
  return applied
}

async function applyEach(
  tx: Tx,
  deps: ArmDeps,
  { documents, prune }: { documents: Documents; prune: boolean },
): Promise<AllApplied> {
  const calendars = await applyCalendars(tx, documents.calendars)
  const triggers = documents.workflows.flatMap(one =>
    one.triggers.map(({ key, config }) => ({ key: `${one.name}/${key}`, config })),
  )
  await requireCalendars(tx, triggers)
  const workflows: Applied[] = []
  for (const document of documents.workflows) workflows.push(await applyDocument(tx, deps, { document, prune }))
  return { calendars, workflows }
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
