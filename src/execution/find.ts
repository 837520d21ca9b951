// Looks executions up for people: lists, one with its nodes, and what has changed.
import { MbflowError } from '../base/errors.ts'
import { isUuid } from '../base/id.ts'
import type { Db } from '../db/pool.ts'
import { findBetween, type ShownExecution, showExecution } from './listing-store.ts'

export { readEvents as executionEvents } from '../event/event-log.ts'
export type { ListedExecution, ShownExecution, ShownNode } from './listing-store.ts'
export {
  listExecutions,
  listWatched as watchedExecutions,
  readNow,
  type Selection,
  selectExecutions,
} from './listing-store.ts'

const HEX_DIGITS = 32

/** By id, or by the beginning of an id if it is the only one. Throws EXECUTION_NOT_FOUND, NAME_AMBIGUOUS. */
export async function findExecution(db: Db, idOrPrefix: string): Promise<ShownExecution> {
  const id = await findExecutionId(db, idOrPrefix)
  const found = await showExecution(db, id)
  if (found === undefined) throw notFound(idOrPrefix)
  return found
}

/** A whole id is taken as it is. Throws EXECUTION_NOT_FOUND, NAME_AMBIGUOUS. */
export async function findExecutionId(db: Db, idOrPrefix: string): Promise<string> {
  const [id, another] = isUuid(idOrPrefix) ? [idOrPrefix] : await findBetween(db, rangeOf(idOrPrefix))
  if (another !== undefined) {
    throw new MbflowError('NAME_AMBIGUOUS', `several executions have an id that begins with ${idOrPrefix}`, {
      hint: 'give more of the id',
    })
  }
  if (id === undefined) throw notFound(idOrPrefix)
  return id
}

function rangeOf(prefix: string): { from: string; to: string } {
  const digits = prefix.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{4,32}$/.test(digits)) throw notFound(prefix)
  return { from: digits.padEnd(HEX_DIGITS, '0'), to: digits.padEnd(HEX_DIGITS, 'f') }
}

function notFound(id: string): MbflowError {
  return new MbflowError('EXECUTION_NOT_FOUND', `there is no execution ${id}`, {
    hint: 'mbflow execution list shows the latest',
  })
}
