// A line to the database that breaks at the worst moments: answers of committed transactions are lost, and the log seems
// not to have them yet when it is asked. And a database that answers, but takes no writes for a while.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pool } from '../../../src/db/pool.ts'
import type { Statement } from '../../../src/db/sql.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

let sound: TestEngine
let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
  sound = await createTestEngine(pool)
})
afterAll(() => sound.stop())

const broken = (): Error => Object.assign(new Error('the line broke'), { code: 'ECONNRESET' })

/** Breaks every third transaction before it begins, or after it was committed; hides every other look into the log. */
function badLine(lose: 'question' | 'answer'): Pool {
  let transactions = 0
  let looks = 0
  return {
    ...pool,
    async transaction(work) {
      const breaks = ++transactions % 3 === 0
      if (breaks && lose === 'question') throw broken()
      const result = await pool.transaction(work)
      if (breaks) throw broken()
      return result
    },
    rows: async <R>(statement: Statement) =>
      statement.name === 'event.findWritten' && lose === 'answer' && ++looks % 2 === 1 ? [] : pool.rows<R>(statement),
  }
}

test.each(['question', 'answer'] as const)(
  'every execution ends and no node runs twice when every third %s is lost',
  async lose => {
    const runs = new Map<string, number>()
    const engine = await createTestEngine(badLine(lose), {
      nodeTypes: scripted(async ({ idempotencyKey }) => {
        runs.set(idempotencyKey, (runs.get(idempotencyKey) ?? 0) + 1)
        return { kind: 'completed', output: null }
      }),
    })
    const workflowId = await sound.publish(documentOf(['a -> b', 'a -> c', 'b -> d', 'c -> d']))
    const ids = await sound.begin(
      workflowId,
      Array.from({ length: 12 }, () => ({})),
    )
    const runner = engine.runner()
    await runner.start()
    for (const id of ids) expect((await sound.ended(id)).status).toBe('completed')
    await runner.stop()
    await engine.stop()
    expect(runs.size).toBe(12 * 4)
    expect(Math.max(...runs.values())).toBe(1)
    expect(await sound.violations()).toEqual([])
  },
)

test.each([
  ['only reads', '25006'],
  ['refuses a privilege', '42501'],
  ['has no address', 'ENOTFOUND'],
])('a database that %s for a while costs no node its result', async (_, code) => {
  let runs = 0
  let refusals = 0
  const moody: Pool = {
    ...pool,
    transaction(work) {
      if (runs > 0 && refusals++ < 4) throw Object.assign(new Error('not now'), { code })
      return pool.transaction(work)
    },
  }
  const engine = await createTestEngine(moody, {
    nodeTypes: scripted(async () => {
      runs++
      return { kind: 'completed', output: 'kept' }
    }),
  })
  const [id = ''] = await sound.begin(await sound.publish(documentOf(['a'])), [{}])
  const runner = engine.runner()
  await runner.start()
  expect(await sound.ended(id)).toMatchObject({ status: 'completed', output: 'kept' })
  await runner.stop()
  await engine.stop()
  expect(runs).toBe(1)
})
