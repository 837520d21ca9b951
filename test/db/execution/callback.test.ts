// Nodes that are called back: whenever the call comes, what was acknowledged counts.
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createAdvance } from '../../../src/execution/advance.ts'
import { callBack, callbackOf } from '../../../src/execution/callbacks.ts'
import { wakeDue } from '../../../src/execution/wake.ts'
import { type Calling, calling } from '../../support/calling.ts'
import { createTestDatabase } from '../../support/database.ts'

let pool: Pool
beforeEach(async () => {
  ;({ pool } = await createTestDatabase())
})

const YES = { approved: true }

function urlOf({ asked }: Calling, index = 0): string {
  const url = asked[index]?.url
  if (url === undefined) throw new Error('nobody was asked')
  return url
}

test('what is posted becomes the output, and the node was executed once', async () => {
  const one = await calling(pool)
  await one.parked()
  expect(await one.post(urlOf(one), YES)).toEqual({
    status: 200,
    body: { status: 'accepted', execution_id: one.id, node: 'ask' },
  })
  expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
  expect(one.asked).toHaveLength(1)
  await one.end()
})

test('the token of the URL stands nowhere in the database', async () => {
  const one = await calling(pool)
  await one.parked()
  const token = urlOf(one).split('/').at(-1) ?? ''
  expect(token.length).toBeGreaterThan(20)
  await one.post(urlOf(one), YES)
  await one.engine.ended(one.id)
  expect(await columnsHolding(pool, one.id)).toContain('public.callbacks.execution_id') // so it would be found
  for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const)
    expect(await columnsHolding(pool, form === 'utf8' ? token : Buffer.from(token).toString(form)), form).toEqual([])
  expect(await columnsHolding(pool, Buffer.from(token, 'base64url').toString('hex'))).toEqual([])
  await one.end()
})

/** Every column of every table, whatever its type, in which a text occurs. */
async function columnsHolding(pool: Pool, text: string): Promise<string[]> {
  const tables = await pool.rows<{ table: string }>(sql('test.tables')`
    select format('%I.%I', schemaname, tablename) as table from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`)
  const holding = await Promise.all(
    tables.map(async ({ table }) => {
      const { rows } = await pool.executeSql(
        `select distinct field.key from ${table} t, jsonb_each_text(to_jsonb(t)) as field where strpos(field.value, $1) > 0`,
        [text],
      )
      return (rows as { key: string }[]).map(({ key }) => `${table}.${key}`)
    }),
  )
  return holding.flat()
}

test('the same call again gets the same answer, before and after the end; another one is refused', async () => {
  const one = await calling(pool)
  await one.parked()
  const first = await one.post(urlOf(one), YES)
  expect(await one.post(urlOf(one), YES)).toEqual(first)
  await one.engine.ended(one.id)
  expect(await one.post(urlOf(one), YES)).toEqual(first)
  expect(await one.post(urlOf(one), { approved: false })).toMatchObject({
    status: 409,
    body: { code: 'CALLBACK_USED' },
  })
  await one.end()
})

test('of many calls at once one counts, and those that said the same are told the same', async () => {
  const one = await calling(pool)
  await one.parked()
  const answers = await Promise.all([...'yyyynnnn'].map(answer => one.post(urlOf(one), answer)))
  const { output } = await one.engine.ended(one.id)
  expect(answers.map(({ status }) => status)).toEqual([...'yyyynnnn'].map(answer => (answer === output ? 200 : 409)))
  expect((await one.types()).filter(type => type === 'node_called_back')).toHaveLength(1)
  await one.end()
})

test('a call while the request is still under way counts, and the attempt is aborted', async () => {
  const aborted = Promise.withResolvers<void>()
  const one: Calling = await calling(pool, {
    answer: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve()
          reject(signal.reason)
        })
      }),
  })
  for (; one.asked.length === 0; await systemClock.sleep(10));
  expect((await one.post(urlOf(one), YES)).status).toBe(200)
  await aborted.promise
  expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
  await one.end()
})

test('a call that no worker is told of, while the request is under way, wins over what that comes to', async () => {
  for (const status of [204, 500]) {
    const gate = Promise.withResolvers<number>()
    const one = await calling(pool, { answer: () => gate.promise })
    for (; one.asked.length === 0; await systemClock.sleep(10));
    const found = await callbackOf(pool, { executionId: one.id, node: 'ask' })
    await callBack({ ...one.engine.deps, ids: one.engine.ids }, found, { output: YES, by: 'test' })
    gate.resolve(status)
    expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
    expect(await one.types()).not.toContain('node_parked')
    await one.end()
  }
})

test('a call that meets the parking of the execution is not lost', async () => {
  for (let round = 0; round < 10; round++) {
    const posted = Promise.withResolvers<{ status: number }>()
    const one: Calling = await calling(pool, {
      idle: true,
      async answer(url) {
        setImmediate(() => one.post(url, YES).then(posted.resolve, posted.reject))
        return 204
      },
    })
    await one.runner.start()
    expect((await posted.promise).status).toBe(200)
    expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
    await one.end()
  }
})

test('a call to a paused execution is kept until it goes on', async () => {
  const one = await calling(pool)
  await one.parked()
  await one.ask('pause')
  expect((await one.post(urlOf(one), YES)).status).toBe(200)
  expect((await one.types()).at(-1)).toBe('node_called_back')
  await one.ask('resume')
  expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
  await one.end()
})

test('a node of a wave that is called back leaves the others waiting', async () => {
  const one = await calling(pool, { lines: ['ask -> after', 'more -> after'] })
  const pause = { key: 'more', type: 'delay', config: { for: '10d' } }
  await one.parked()
  await one.ask('cancel')
  const { nodes, edges } = await documentWith(pause)
  const [id = ''] = await one.engine.begin(await one.engine.publish({ name: 'two', nodes, edges }), [{}])
  for (; one.asked.length < 2; await systemClock.sleep(10));
  const typesOf = async () => (await one.engine.eventLog.read(id)).map(({ body }) => body.type)
  for (; !(await typesOf()).includes('execution_parked'); await systemClock.sleep(10));
  await one.post(urlOf(one, 1), YES)
  for (; (await typesOf()).at(-1) !== 'execution_parked' || !(await typesOf()).includes('node_completed'); )
    await systemClock.sleep(10)
  expect((await typesOf()).slice(-4)).toEqual([
    'node_called_back', 'execution_woken', 'node_completed', 'execution_parked',
  ]) // biome-ignore format: a line
  await one.end()
})

async function documentWith(other: { key: string; type: string; config: { for: string } }) {
  const policy = {}
  const config = { url: 'https://approvals.test/', secret: 'key', wait_for_callback: {} }
  return {
    nodes: [
      { key: 'ask', name: 'ask', type: 'webhook', config, policy },
      { ...other, name: other.key, policy },
    ],
    edges: [],
  }
}

test.each(['fail', 'branch'])('nobody calls in time: %s', async on_timeout => {
  const lines = ['ask -> yes branch called_back', 'ask -> late branch timed_out']
  const one = await calling(pool, { lines, wait: { timeout: '2s', on_timeout } })
  await one.parked()
  while ((await wakeDue(one.engine.deps)) === 0) await systemClock.sleep(20)
  const over = await one.engine.ended(one.id)
  const nodes = over.nodes.map(({ key, status }) => `${key} ${status}`)
  if (on_timeout === 'fail') {
    expect(over.error).toBe('ask: CALLBACK_TIMEOUT: nobody called back within 2s')
    expect(nodes).toEqual(['ask failed', 'yes skipped', 'late skipped'])
  } else expect(nodes).toEqual(['ask completed', 'yes skipped', 'late completed'])
  expect(await one.post(urlOf(one), YES)).toMatchObject({ status: 410, body: { code: 'CALLBACK_GONE' } })
  await one.end()
})

test('a call after its time is refused, also before anybody has seen to that', async () => {
  const one = await calling(pool, { wait: { timeout: '2s' } })
  await one.parked()
  await systemClock.sleep(2_100)
  expect((await one.post(urlOf(one), YES)).status).toBe(410)
  expect((await one.types()).at(-1)).toBe('execution_parked')
  await one.end()
})

test('conditions on edges see what was posted', async () => {
  const lines = ['ask -> yes when output.approved', 'ask -> no when output.approved = false']
  const one = await calling(pool, { lines })
  await one.parked()
  await one.post(urlOf(one), YES)
  const { nodes } = await one.engine.ended(one.id)
  expect(nodes.map(({ key, status }) => `${key} ${status}`)).toEqual(['ask completed', 'yes completed', 'no skipped'])
  await one.end()
})

test('what does not fit the schema is refused by its path, and the node waits on', async () => {
  const schema = { type: 'object', properties: { approved: { type: 'boolean' } }, required: ['approved'] }
  const one = await calling(pool, { wait: { schema } })
  await one.parked()
  expect(await one.post(urlOf(one), { approved: 'yes' })).toMatchObject({
    status: 422,
    body: { code: 'CALLBACK_INVALID', problems: [{ path: 'output.approved' }] },
  })
  expect((await one.types()).at(-1)).toBe('execution_parked')
  expect((await one.post(urlOf(one), YES)).status).toBe(200)
  await one.engine.ended(one.id)
  // What was accepted is not questioned again.
  expect((await one.post(urlOf(one), { approved: 'yes' })).status).toBe(409)
  await one.end()
})

test('a worker that is lost between the call and the park: the next one asks again, and both URLs are good', async () => {
  for (const used of [0, 1]) {
    const hang = Promise.withResolvers<number>()
    const one: Calling = await calling(pool, {
      idle: true,
      answer: () => (one.asked.length === 1 ? hang.promise : Promise.resolve(204)),
    })
    const never = new AbortController().signal
    const [job] = await one.engine.queue.fetch(1)
    if (job === undefined) throw new Error('there is no job')
    const [zombie] = createAdvance(one.engine.deps)([{ job, lost: never, drain: never }])
    for (; one.asked.length < 1; await systemClock.sleep(10));
    await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${job.id}`)
    await one.runner.start()
    await one.parked()
    expect(one.asked.map(({ id }) => id)).toEqual([one.asked[0]?.id, one.asked[0]?.id])
    expect(one.asked[0]?.url).not.toBe(one.asked[1]?.url)
    expect((await one.post(urlOf(one, used), YES)).status).toBe(200)
    expect((await one.post(urlOf(one, 1 - used), YES)).status).toBe(200)
    expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: YES })
    hang.resolve(204)
    await zombie
    await one.end()
  }
})

test('a URL from before a rerun is good for nothing', async () => {
  const one = await calling(pool)
  await one.parked()
  await one.post(urlOf(one), YES)
  await one.engine.ended(one.id)
  await one.ask({ verb: 'rerun', node: 'ask' })
  await one.parked()
  expect((await one.post(urlOf(one), YES)).status).toBe(410)
  expect((await one.post(urlOf(one, 1), YES)).status).toBe(200)
  await one.engine.ended(one.id)
  await one.end()
})

test('a node that is not called back has no callback', async () => {
  const one = await calling(pool)
  await one.parked()
  await expect(callbackOf(pool, { executionId: one.id, node: 'after' })).rejects.toMatchObject({
    code: 'CALLBACK_NOT_FOUND',
  })
  await one.end()
})
