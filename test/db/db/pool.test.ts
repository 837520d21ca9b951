import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { createPool, isTransient, type Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createTestDatabase } from '../../support/database.ts'

let database: Pool
let url: string
beforeAll(async () => {
  ;({ pool: database, url } = await createTestDatabase({ empty: true }))
  await database.run(sql('test.create')`create table t (n integer primary key)`)
})

function poolOf(max = 2): Pool {
  return createPool({ url, applicationName: 'mbflow:pooltest', max, log: silentLogger })
}

test('a transaction that throws leaves nothing behind', async () => {
  const failing = database.transaction(async tx => {
    await tx.run(sql('test.insert')`insert into t values (${1})`)
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await database.rows(sql('test.all')`select n from t`)).toEqual([])
})

test('what throws before it has sent anything leaves a connection that others can use', async () => {
  const pool = poolOf(1)
  onTestFinished(() => pool.end())
  const throws = (): never => {
    throw new Error('no')
  }
  await expect(pool.atOnce(throws)).rejects.toThrow('no')
  await expect(pool.transaction(throws)).rejects.toThrow('no')
  expect(await pool.rows(sql('test.all')`select n from t`)).toEqual([])
})

test('statements issued together share the connection and run in order', async () => {
  const rows = await database.transaction(async tx => {
    const results = await Promise.all(
      [1, 2, 3].map(n => tx.rows<{ n: number }>(sql('test.one')`select ${n}::integer as n`)),
    )
    return results.flat()
  })
  expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
})

test('a failed statement fails the transaction, also when it was not awaited alone', async () => {
  const failing = database.transaction(tx =>
    Promise.all([tx.run(sql('test.insert')`insert into t values (${2})`), tx.run(sql('test.bad')`select 1 / 0`)]),
  )
  await expect(failing).rejects.toMatchObject({ code: '22012' })
  expect(await database.rows(sql('test.all')`select n from t`)).toEqual([])
})

test('a deadlock is retried until both transactions are through', async () => {
  await database.run(sql('test.two')`insert into t values (10), (11)`)
  const pool = poolOf()
  const ready = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const attempt = (mine: number): Promise<void> =>
    pool.transaction(async tx => {
      await tx.rows(sql('test.lock')`select from t where n = ${10 + mine} for update`)
      ready[mine]?.resolve()
      await ready[1 - mine]?.promise
      await tx.rows(sql('test.lock')`select from t where n = ${11 - mine} for update`)
    })
  await Promise.all([attempt(0), attempt(1)])
  await pool.end()
})

test('a connection that breaks inside a transaction is an error of the transaction, and the pool goes on', async () => {
  const pool = poolOf(1)
  const broken = pool.transaction(async tx => {
    const [{ pid } = { pid: 0 }] = await tx.rows<{ pid: number }>(sql('test.pid')`select pg_backend_pid() as pid`)
    await database.rows(sql('test.kill')`select pg_terminate_backend(${pid}, 5000)`)
    // The connection is idle in the transaction and breaks without a statement to report it.
    await new Promise(resolve => setImmediate(resolve))
    await tx.rows(sql('test.again')`select 1`)
  })
  const error = await broken.catch((thrown: unknown) => thrown)
  expect(isTransient(error)).toBe(true)
  expect(await pool.rows(sql('test.alive')`select 1 as n`)).toEqual([{ n: 1 }])
  await pool.end()
})

test('a transaction fails with the error of the statement that failed first, not with its echo', async () => {
  const failing = database.transaction(async tx => {
    const bad = tx.run(sql('test.bad')`select 1 / 0`)
    const echo = tx.run(sql('test.fine')`select 1`)
    await Promise.all([echo, bad.catch(() => {})])
  })
  await expect(failing).rejects.toMatchObject({ code: '22012' })
})
