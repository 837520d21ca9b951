import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import type { Append } from '../../../src/event/append.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'

let engine: TestEngine
let workflowId: string

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  workflowId = await engine.publish(documentOf(['a']))
})
afterAll(() => engine.stop())

const PENDING = {
  status: 'pending',
  output: undefined,
  error: null,
  turn: 0,
  claim: 0,
  wakeAt: undefined,
  parkedReason: undefined,
  limitKey: undefined,
  rateKey: undefined,
  pool: undefined,
  startedAt: undefined,
  completedAt: undefined,
}

async function execution(): Promise<string> {
  const [id = ''] = await engine.begin(workflowId, [{}])
  return id
}

/** An append that starts the execution; everything may be overridden. */
function started(executionId: string, change: Partial<Append> = {}): Append {
  return {
    executionId,
    fence: { sequence: 0, turn: 0, claim: 0 },
    events: [{ type: 'workflow_started', payload: {} }],
    project: at => ({ execution: { ...PENDING, status: 'running', startedAt: at }, nodes: [] }),
    ...change,
  }
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const [row] = await engine.pool.rows<Record<string, unknown>>(sql('test.row')`
    select status, last_sequence, turn, claim, started_at from public.executions where id = ${id}`)
  return row ?? {}
}

test('an append writes its events and rows with the instant of its transaction', async () => {
  const id = await execution()
  const result = await engine.eventLog.append(started(id))
  const [event] = await engine.eventLog.read(id)
  expect(result).toEqual({ kind: 'appended', at: event?.createdAt, sequence: 1 })
  expect(await rowOf(id)).toEqual({
    status: 'running',
    last_sequence: 1,
    turn: 0,
    claim: 0,
    started_at: event?.createdAt,
  })
})

test('a stale sequence changes nothing and says that somebody was faster', async () => {
  const id = await execution()
  await engine.eventLog.append(started(id))
  expect(await engine.eventLog.append(started(id))).toEqual({ kind: 'behind' })
  expect(await engine.eventLog.read(id)).toHaveLength(1)
})

test.each([
  ['an earlier turn', { sequence: 0, turn: 1, claim: 0 }],
  ['another claim', { sequence: 0, turn: 0, claim: 1 }],
  ['a take-over by a claim that is not later', { sequence: 0, turn: 0, claimBelow: 0 }],
])('%s is fenced and changes nothing', async (_, fence) => {
  const id = await execution()
  expect(await engine.eventLog.append(started(id, { fence }))).toEqual({ kind: 'fenced' })
  expect(await rowOf(id)).toMatchObject({ status: 'pending', last_sequence: 0 })
})

test('of many appends to one execution at the same instant exactly one is written', async () => {
  const id = await execution()
  const other = await createTestEngine(engine.pool)
  const results = await Promise.all([engine, other, engine, other].map(({ eventLog }) => eventLog.append(started(id))))
  await other.stop()
  expect(results.map(result => result.kind).sort()).toEqual(['appended', 'behind', 'behind', 'behind'])
})

test('an append that the database refuses fails alone, its neighbours are written', async () => {
  const ids = await Promise.all(Array.from({ length: 9 }, execution))
  const poison: Append['events'] = [{ type: 'workflow_completed', payload: { output: 'a\u0000b' } }]
  const results = await Promise.allSettled(
    ids.map((id, i) => engine.eventLog.append(started(id, i === 4 ? { events: poison } : {}))),
  )
  expect(results.map(result => result.status)).toEqual(ids.map((_, i) => (i === 4 ? 'rejected' : 'fulfilled')))
  expect((await Promise.all(ids.map(rowOf))).map(row => row.last_sequence)).toEqual(
    ids.map((_, i) => (i === 4 ? 0 : 1)),
  )
})

test('an execution that another transaction holds waits without holding up its neighbours', async () => {
  const [held = '', free = ''] = await engine.begin(workflowId, [{}, {}])
  let waiting: Promise<unknown> = Promise.resolve()
  await engine.pool.transaction(async tx => {
    await tx.rows(sql('test.hold')`select from public.executions where id = ${held} for update`)
    waiting = engine.eventLog.append(started(held))
    expect(await engine.eventLog.append(started(free))).toMatchObject({ kind: 'appended' })
    expect(await rowOf(held)).toMatchObject({ last_sequence: 0 })
  })
  expect(await waiting).toMatchObject({ kind: 'appended' })
})

test('an append to an execution that does not exist is an error', async () => {
  await expect(engine.eventLog.append(started(engine.ids.next()))).rejects.toMatchObject({
    code: 'EXECUTION_NOT_FOUND',
  })
})

test('after a commit whose answer was lost the log itself says that the append is in it', async () => {
  const id = await execution()
  let broken = 0
  const pool: typeof engine.pool = {
    ...engine.pool,
    async transaction(work) {
      const result = await engine.pool.transaction(work)
      if (broken++ === 0) throw Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' })
      return result
    },
  }
  const other = await createTestEngine(pool)
  expect(await other.eventLog.append(started(id))).toMatchObject({ kind: 'appended', sequence: 1 })
  await other.stop()
  expect(await engine.eventLog.read(id)).toHaveLength(1)
})
