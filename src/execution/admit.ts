// Lets those go on who wait for a place under a limit, as far as there is room. Level-triggered: nothing is remembered,
// whether anybody waits and whether there is room are questions to the database. They are asked after every end that gives
// a place back, after every arrival that had to wait, and at every poll for every line, so no wake-up can be lost.
// Invariants: those of arrive.ts.
import type { Clock } from '../base/clock.ts'
import { createKeyedLoop, type KeyedLoop } from '../base/keyed-loop.ts'
import type { Logger } from '../base/log.ts'
import { findByKey } from '../db/by-key.ts'
import { notify } from '../db/listener.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import type { Append } from '../event/append.ts'
import { appendLocked } from '../event/event-log.ts'
import { type ControlDeps, control } from './control.ts'
import { type Gate, gates } from './gates.ts'
import { findLines, firstInLine, loadStandings, oldestUnder, somebodyWaits, tryLockLimits } from './limit-store.ts'
import { roomUnder, type Standing, tooMany } from './limits.ts'
import { openProjection, turnJob } from './projection.ts'
import { type ExecutionRow, lockExecutions } from './store.ts'

interface AdmitDeps extends ControlDeps {
  readonly pool: Pool
}

/** Executions that are admitted, or cancelled, in one go. */
const MAX_AT_ONCE = 200

interface Admission {
  readonly admitted: number
  /** Limits to be asked for again: somebody else holds them, or more may go on than in one go. */
  readonly again: readonly string[]
}

/** Gives places under these limits to those who have waited for them longest. */
export async function admitWaiting(deps: AdmitDeps, keys: readonly string[]): Promise<Admission> {
  const { admitted, held, crowded } = await deps.pool.transaction(async tx => {
    const [, held] = await Promise.all([findByKey(tx), tryLockLimits(tx, keys)])
    const standings = await loadStandings(tx, held)
    const crowded: { readonly key: string; readonly oldest: readonly string[] }[] = []
    for (const standing of standings) {
      const limit = Math.min(MAX_AT_ONCE, tooMany(standing))
      if (limit > 0) crowded.push({ key: standing.key, oldest: await oldestUnder(tx, { key: standing.key, limit }) })
    }
    const doomed = crowded.flatMap(({ oldest }) => oldest)
    return { admitted: await admitFirst(tx, deps, { standings, doomed }), held, crowded }
  })
  // Not under the mutex: rows are locked in an order of their own. What is asked twice is done once.
  for (const { key, oldest } of crowded)
    await control(deps, { verb: 'cancel', by: `limit:${key}`, reason: NEWER_CAME }, oldest)
  const others = keys.filter(key => !held.includes(key))
  return { admitted, again: admitted === MAX_AT_ONCE ? keys : others }
}

const NEWER_CAME = 'a newer execution came, and on_limit is cancel_oldest'

async function admitFirst(
  tx: Tx,
  deps: AdmitDeps,
  { standings, doomed }: { standings: readonly Standing[]; doomed: readonly string[] },
): Promise<number> {
  const open = standings.filter(one => one.waiting > 0 && roomUnder(one) > 0)
  if (open.length === 0) return 0
  const rooms = new Map(open.map(one => [one.key, Math.min(MAX_AT_ONCE, roomUnder(one))]))
  const ids = await firstInLine(tx, { rooms, limit: MAX_AT_ONCE, except: doomed })
  return (await letIn(tx, deps, { gate: 'limit', ids })).length
}

/** Lets those go on that wait at a gate, under the mutexes of their keys; resolves to the keys of those who do. */
export async function letIn(
  tx: Tx,
  deps: ControlDeps,
  { gate, ids }: { gate: Gate; ids: readonly string[] },
): Promise<string[]> {
  const rows = await lockExecutions(tx, ids)
  // One that was cancelled or paused before its row was locked has left the line.
  const waiting = rows.filter(row => row.parkedReason === gate)
  if (waiting.length === 0) return []
  await Promise.all([
    appendLocked(
      tx,
      deps,
      waiting.map(row => appendOf(gate, row)),
    ),
    notify(tx, 'jobs'),
  ])
  return waiting.map(row => keyAt(gate, row))
}

function keyAt(gate: Gate, row: ExecutionRow): string {
  const key = row[gates[gate].key]
  if (key === null) throw new Error(`execution ${row.id} waits for a ${gate} without a key`)
  return key
}

function appendOf(gate: Gate, row: ExecutionRow): Append {
  const { id, lastSequence: sequence } = row
  const turn = row.turn + 1
  return {
    executionId: id,
    fence: { sequence, turn: row.turn },
    events: [{ type: gates[gate].opens, payload: { key: keyAt(gate, row) } }],
    project: () => ({ execution: openProjection(row, { turn, claim: 0, parkedReason: undefined }), nodes: [] }),
    enqueue: turnJob(row, { turn }),
  }
}

interface AdmitterDeps extends AdmitDeps {
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two questions to all lines, milliseconds. */
  readonly pollInterval: number
  /** Called after a pass that admitted executions. */
  onAdmitted?(): void
}

export function createAdmitter(deps: AdmitterDeps): KeyedLoop & Pulsed {
  const loop = createKeyedLoop({
    name: 'admit',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    first: '',
    find: page => findLines(deps.pool, page),
    async pass(keys) {
      const { admitted, again } = await admitWaiting(deps, keys)
      if (admitted > 0) {
        deps.onAdmitted?.()
        deps.log.debug({ evt: 'execution.admitted', count: admitted }, 'admitted what waited for its limit')
      }
      return { didAny: admitted > 0, again }
    },
  })
  return { ...loop, question: { dueIn: somebodyWaits, wake: loop.look } }
}
