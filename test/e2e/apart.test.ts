// A daemon that only serves HTTP, and what others make of what it accepts.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { createListener, type Topic } from '../../src/db/listener.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runMbflow, startMbflow } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

/** Preloaded, it sets the wall clock of a process an hour ahead; the monotonic clock stays. */
const AN_HOUR_AHEAD = '--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()+3600000'

const DOCUMENT = JSON.stringify({
  name: 'apart',
  nodes: [{ key: 'note', type: 'transform', config: { template: 'noted' } }],
  triggers: [
    { key: 'told', type: 'event', config: { event: 'order.paid' } },
    { key: 'asked', type: 'manual' },
  ],
})

let database: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  // Nobody looks by itself while the test lasts.
  env = { DATABASE_URL: database.url, PORT: '0', MBFLOW_LOG_FORMAT: 'json', MBFLOW_POLL_INTERVAL: '1m' }
  const folder = await makeFolder()
  const file = join(folder.root, 'apart.json')
  await writeFile(file, DOCUMENT)
  expect(await runMbflow(['apply', '-f', file], { env })).toMatchObject({ code: 0 })
  return () => folder.remove()
})

/** Listens, and then resolves to the next word about `topic` that any process says. */
async function listening(topic: Topic): Promise<{ word: Promise<void> }> {
  const listener = createListener({ url: database.url, log: silentLogger })
  onTestFinished(() => listener.stop())
  const [began, said] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  // Whoever begins to listen is woken once.
  let next = began
  listener.on(topic, () => {
    next.resolve()
    next = said
  })
  await listener.start()
  await began.promise
  return { word: said.promise }
}

/** The URL of a daemon that only serves HTTP. */
async function door(more: Record<string, string> = {}): Promise<string> {
  const running = startMbflow(['start', '--roles', 'http'], { env: { ...env, ...more } })
  const line = await running.line(/http:\/\/127/, 60_000)
  return /http:\/\/[\d.:]+/.exec(line)?.[0] ?? ''
}

test('an event that a daemon without a scheduler accepts fires at once on one that has it', {
  timeout: 90_000,
}, async () => {
  const rest = startMbflow(['start', '--roles', 'scheduler,worker'], { env })
  await rest.line(/is running/, 60_000)
  const url = await door()
  const event = { specversion: '1.0', id: '1', source: '/shop', type: 'order.paid' }
  const headers = { 'content-type': 'application/cloudevents+json' }
  const { word } = await listening('events')
  const answer = await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) })
  expect(answer.status).toBe(202)
  await word
  await rest.line(/inbox\.fired/, 60_000)
})

test('the id of an execution has the time of the database, though the clock of the daemon that made it is an hour ahead', {
  timeout: 90_000,
}, async () => {
  const url = await door({ NODE_OPTIONS: AN_HOUR_AHEAD })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/v1/triggers/apart%2Fasked/fire`, { method: 'POST', headers, body: '{}' })
  expect(ageOf((await answer.json()) as Started)).toBeLessThan(60_000)
})

test('the id of an execution that a command starts has it too', { timeout: 90_000 }, async () => {
  const fire = ['trigger', 'fire', 'apart/asked', '--json']
  const { stdout } = await runMbflow(fire, { env: { ...env, NODE_OPTIONS: AN_HOUR_AHEAD } })
  expect(ageOf(JSON.parse(stdout) as Started)).toBeLessThan(60_000)
})

interface Started {
  readonly execution_id: string
}

/** How far the time in its id is from now, milliseconds. */
function ageOf({ execution_id }: Started): number {
  return Math.abs(Number.parseInt(execution_id.replace('-', '').slice(0, 12), 16) - Date.now())
}
