// The engine itself, on a database of its own, making the moves of the model one by one. After each it must come to stand
// where the model stands; at the end of an execution nobody who was given up for dead may change it, and no invariant may
// be broken.
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Pool } from '../../src/db/pool.ts'
import { type Statement, sql } from '../../src/db/sql.ts'
import { type Command, control } from '../../src/execution/control.ts'
import { buryDead, wakeDue } from '../../src/execution/wake.ts'
import type { Outcome } from '../../src/node/node-type.ts'
import { verify } from '../../src/verify/verify.ts'
import { createTestDatabase } from './database.ts'
import { documentOf, type TestEngine } from './engine.ts'
import { createModel, isOver, MAX_ATTEMPTS, type Model, parkedReason, running } from './model.ts'
import { type Graph, graphs } from './model-graphs.ts'
import { type Move, make, subject } from './model-moves.ts'
import { createWorkers, HOUR_MS, PATIENCE_MS, type Workers } from './model-worker.ts'
import { checksumOf } from './rows.ts'

const BY = 'model'

export interface Lane {
  /** Makes the moves, and brings the execution to its end. */
  play(graph: number, moves: readonly Move[]): Promise<void>
  stop(): Promise<void>
}

/** One execution, and the model of it. */
interface Play {
  readonly pool: Pool
  readonly workers: Workers
  readonly id: string
  readonly model: Model
}

export async function createLane(): Promise<Lane> {
  const { pool } = await createTestDatabase()
  const workers = await createWorkers(pool)
  const { engine } = workers
  const versions = await Promise.all(graphs.map(graph => publish(engine, graph)))
  return {
    async play(which, moves) {
      const [graph, version] = [graphs[which], versions[which]]
      if (graph === undefined || version === undefined) throw new Error('there is no such graph')
      const [id = ''] = await engine.begin(version, [{}])
      const play: Play = { pool, workers, id, model: createModel(graph) }
      try {
        for (const move of moves) await step(play, move)
        while (!isOver(play.model)) await step(play, towardsTheEnd(play.model))
        await step(play, { kind: 'raise' })
        expect(await violations(play)).toEqual([])
      } finally {
        await workers.clear()
      }
    },
    async stop() {
      await workers.clear()
      await engine.stop()
    },
  }
}

function publish(engine: TestEngine, { lines, forgiven, nodes }: Graph): Promise<string> {
  const retry = { max_attempts: MAX_ATTEMPTS, backoff: 'constant', delay_ms: 1 } as const
  const policies = Object.fromEntries(
    nodes.map(({ key }) => [key, { retry, ...(forgiven.includes(key) && { on_error: 'continue' as const }) }]),
  )
  return engine.publish({ name: lines.join(), ...documentOf(lines, { policies }) })
}

async function step(play: Play, move: Move): Promise<void> {
  const answer = await act(play, move)
  const should = make(play.model, move)
  if (answer !== undefined) expect(answer, `whether ${move.kind} changes anything`).toBe(should)
  await comesTo(play, move)
}

/** Resolves to what was answered, if somebody was asked. */
async function act(play: Play, move: Move): Promise<boolean | undefined> {
  const { model, workers } = play
  const node = 'pick' in move ? subject(model, move) : undefined
  switch (move.kind) {
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'retry':
    case 'redrive':
      return ask(play, { verb: move.kind, by: BY })
    case 'rerun':
      return node && ask(play, { verb: 'rerun', by: BY, node: node.key })
    case 'callback': {
      const generation = (node?.generation ?? 0) + (move.isStale ? 1 : 0)
      return node && ask(play, { verb: 'callback', by: BY, node: node.key, generation, output: node.key })
    }
    case 'hour':
      await passHour(play)
      break
    case 'raise':
      if (!model.isOrphan) await raise(play)
      break
    case 'exhaust':
      if (model.worker === 'free') await exhaust(play)
      break
    case 'claim':
      if (model.worker === 'free') await workers.claim()
      break
    case 'crash':
      if (model.worker === 'held') await workers.crash(model.hour % 2 === 0)
      break
    case 'drain':
      if (model.worker === 'held') workers.drain()
      break
    default:
      if (node !== undefined) workers.endAttempt(node.key, outcomeOf(move.kind, node.key))
  }
  return undefined
}

async function ask({ workers: { engine }, id }: Play, command: Command): Promise<boolean> {
  const [answer] = await control({ ...engine.deps, ids: engine.ids }, command, [id])
  await engine.commands.look()
  return answer?.kind === 'done'
}

function outcomeOf(kind: string, key: string): Outcome {
  const wait = { kind: 'parked', until: HOUR_MS / 2 } as const
  const error = { code: 'BROKEN', message: 'it broke', retryable: kind === 'fail', retryAfter: HOUR_MS / 6 }
  if (kind === 'complete') return { kind: 'completed', output: key }
  if (kind === 'delay') return wait
  if (kind === 'await') return { ...wait, callback: true }
  return kind === 'doom' ? { ...wait, end: { kind: 'failed', error } } : { kind: 'failed', error }
}

/** After an hour whatever waits is due; the database, of which it is asked, does not know that it has passed. */
async function passHour({ pool, workers }: Play): Promise<void> {
  workers.passHour()
  const rows = <R>(due: Statement): Promise<R[]> =>
    pool.rows({ ...due, name: 'model.findDue', text: due.text.replace('now()', "now() + interval '10 years'") })
  await wakeDue({ ...workers.engine.deps, pool: { ...pool, rows } })
  await workers.engine.commands.look()
}

/** Every worker that took it was lost. */
async function exhaust({ pool, workers }: Play): Promise<void> {
  await pool.run(sql('model.exhaust')`
    with gone as (delete from pgboss.job where name = 'exec' returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  await buryDead(workers.engine.deps)
}

/** Waits until it stands as the model does. */
async function comesTo(play: Play, move: Move): Promise<void> {
  const { workers, model } = play
  const expected = pictureOf(model)
  for (const until = systemClock.monotonic() + PATIENCE_MS; ; ) {
    const news = workers.news()
    const atWork = await workers.atWork()
    const found = isDeepStrictEqual(atWork, expected.atWork) ? { ...(await rowsOf(play)), atWork } : { atWork }
    if (isDeepStrictEqual(found, expected)) return
    if (systemClock.monotonic() > until)
      throw new Error(
        `after ${move.kind} execution ${play.id} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`,
      )
    await news
  }
}

/** Where an execution stands between two moves. */
interface Picture {
  readonly status: string
  readonly parkedReason: string | null
  readonly jobs: number
  readonly waits: number
  /** Status, retries and generation of what has begun. */
  readonly nodes: Readonly<Record<string, readonly [string, number, number]>>
  /** Keys of the nodes that a worker is at; undefined when there is no worker. */
  readonly atWork: readonly string[] | undefined
}

function pictureOf(model: Model): Picture {
  const nodes = model.nodes.flatMap(({ key, status, attempts, generation }) => {
    const row = [status === 'waiting' ? 'running' : status, Math.max(0, attempts - 1), generation] as const
    return status === 'pending' ? [] : [[key, row] as const]
  })
  const atWork = running(model).map(({ key }) => key)
  return {
    status: model.status,
    parkedReason: parkedReason(model),
    jobs: model.worker === 'none' ? 0 : 1,
    waits: model.waits,
    nodes: Object.fromEntries(nodes),
    atWork: model.worker === 'held' ? atWork.sort() : undefined,
  }
}

async function rowsOf({ pool, id }: Play): Promise<Omit<Picture, 'atWork'>> {
  const [row] = await pool.rows<Omit<Picture, 'atWork'>>(sql('model.rows')`
    select e.status, e.parked_reason as "parkedReason",
      (select count(*) from pgboss.job where name = 'exec' and state < 'completed') as jobs,
      (select count(*) from public.events where execution_id = e.id and event_type = 'node_parked') as waits,
      (select coalesce(json_object_agg(n.key, json_build_array(x.status, x.retry_count, x.generation)), '{}')
       from public.node_executions x join public.nodes n on n.id = x.node_id where x.execution_id = e.id) as nodes
    from public.executions e where e.id = ${id}`)
  if (row === undefined) throw new Error(`execution ${id} is gone`)
  return row
}

function towardsTheEnd({ status, request, worker }: Model): Move {
  if (status === 'paused' || request === 'pause') return { kind: 'resume' }
  if (worker === 'free') return { kind: 'claim' }
  return worker === 'held' ? { kind: 'complete', pick: 0 } : { kind: 'hour' }
}

/** Those that were given up for dead, and have been replaced, say what they have to say, and not a row changes. */
async function raise({ pool, workers, id }: Play): Promise<void> {
  const before = await checksumOf(pool, id)
  const areGone = await workers.raise(outcomeOf('complete', 'too late'))
  expect(areGone, 'whether those are gone who were given up for dead').toBe(true)
  expect(await checksumOf(pool, id), 'rows that somebody changed who was given up for dead').toBe(before)
}

/** Of this execution; of the others of its database it was proven before. */
function violations({ pool, workers: { engine }, id }: Play): Promise<unknown[]> {
  const rows = async <R>(statement: Statement): Promise<R[]> => {
    const found = await pool.rows<R & { readonly id?: string; readonly workflowId?: string }>(statement)
    return found.filter(row => row.workflowId === undefined || row.id === id)
  }
  return verify({ db: { ...pool, rows }, plan: engine.catalog.plan, events: engine.eventLog.read })
}
