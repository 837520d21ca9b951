// Every document of every page runs, and gives what the page says it gives.
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type HttpClient, HttpClientError } from '../../../src/base/http-client.ts'
import { isJsonObject, type Json } from '../../../src/base/json.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { createMetrics } from '../../../src/base/metrics.ts'
import { callBack, callbackOf } from '../../../src/execution/callbacks.ts'
import { createChildren } from '../../../src/execution/children.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { createEvaluator } from '../../../src/expression/evaluator.ts'
import { acceptEvents } from '../../../src/inbox/accept.ts'
import { readCloudEvent } from '../../../src/inbox/cloud-event.ts'
import { tick } from '../../../src/inbox/drain.ts'
import { withPlugins } from '../../../src/node/plugins.ts'
import { applyAll, check } from '../../../src/trigger/apply-files.ts'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { findTrigger } from '../../../src/trigger/find.ts'
import type { Fired } from '../../../src/trigger/fire.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { parseDocuments } from '../../../src/workflow/document.ts'
import { findWorkflow } from '../../../src/workflow/find.ts'
import { validateWorkflow } from '../../../src/workflow/validate.ts'
import type { WorkflowDocument } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { assert } from '../../unit/docs/assert.ts'
import { jsonAfter, readPages } from '../../unit/docs/pages.ts'

let answered = '"hello"'
/** The world outside: what ends in `.invalid` cannot be reached, all else answers as the page says. */
const http: HttpClient = {
  async request({ url }) {
    const { hostname } = new URL(url)
    if (hostname.endsWith('.invalid'))
      throw new HttpClientError('HTTP_UNREACHABLE', `${hostname} cannot be reached`, { retryable: true })
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(answered) }
  },
}
const notify = new URL('../../../examples/plugins/notify.ts', import.meta.url).pathname
const nodeTypes = new Map([...(await withPlugins([notify])), [assert.type, assert]])

const { pool } = await createTestDatabase()
const evaluator = createEvaluator({ size: 1, log: silentLogger })
const engine = await createTestEngine(
  pool,
  {
    http,
    evaluator,
    nodeTypes,
    // Of the length that keys have.
    secrets: { find: async name => `thesecret${name}`.padEnd(32, 'x') },
  },
  { onEnded: ({ splitters }) => children.tell(splitters) },
)
/** What any worker takes, and the pool that the pages speak of. */
const runners = [engine.runner(), engine.runner({ pool: 'gpu' })]
const { ids } = engine
const wake = (): void => runners.forEach(runner => void runner.wake())
const children = createChildren({ ...engine.deps, ids, pollInterval: 3_600_000, onOpened: wake })
await evaluator.start()
for (const runner of runners) await runner.start()
await children.start()
afterAll(async () => {
  for (const runner of runners) await runner.stop()
  await children.stop()
  await evaluator.stop()
  await engine.stop()
})
const deps = { ...engine, metrics: createMetrics(), log: silentLogger }

interface Run {
  readonly at: string
  readonly text: string
  /** What it is told of. */
  readonly event?: string
  /** What all servers answer. */
  readonly answer?: string
  /** What its node is called back with. */
  readonly callback?: string
  readonly output?: string
}

const runs: readonly Run[] = readPages().flatMap(page =>
  page.blocks
    .filter(({ info }) => info === 'yaml' || info === 'yaml acme')
    .map(block => ({ at: block.at, text: block.text, ...jsonAfter(page, block) })),
)

test.each(runs)(
  '$at: the document completes, with the output the page shows',
  async ({ text, event, answer = '"hello"', callback, output }) => {
    answered = answer
    const document = read(text)
    const { calendars } = check(text)
    await applyAll(deps, { documents: { workflows: [document], calendars }, prune: false, dryRun: false })
    const id = await (event === undefined ? begin(document) : tell(document, event))
    if (callback !== undefined) await callIts(document, id, JSON.parse(callback))
    const execution = await engine.ended(id)
    expect([execution.status, execution.error]).toEqual(['completed', null])
    if (output !== undefined) expect(execution.output).toEqual(JSON.parse(output))
  },
)

function read(text: string): WorkflowDocument {
  const raws = parseDocuments(text).documents.map(({ raw }) => raw)
  const raw = raws.find(one => isJsonObject(one) && !('kind' in one))
  const { document, problems } = validateWorkflow(raw, { nodeTypes, checkTrigger })
  if (document === undefined) throw new Error(JSON.stringify(problems))
  return document
}

/** By the events, of which the page leaves out what every event has. */
async function tell({ name }: WorkflowDocument, text: string): Promise<string> {
  const events = [JSON.parse(text)].flat().map((event, i) => {
    const read = readCloudEvent({ specversion: '1.0', source: '/docs', id: `${name} ${i}`, ...event })
    if ('problems' in read) throw new Error(JSON.stringify(read.problems))
    return read.event
  })
  await acceptEvents(pool, events)
  const drain = { ...deps, evaluator, clock: systemClock, pollInterval: 1_000 }
  const fired: Fired[] = []
  for (let processed = 0; processed < events.length; ) {
    const report = await tick(drain)
    processed += report.processed
    fired.push(...report.fired)
  }
  return fired.find(({ trigger }) => trigger.startsWith(`${name}/`))?.executionId ?? ''
}

/** Calls its only node that waits for that, as soon as it does. */
async function callIts({ nodes }: WorkflowDocument, executionId: string, output: Json): Promise<void> {
  const { key: node = '' } = nodes.find(({ type }) => type === 'webhook') ?? {}
  for (; (await findExecution(pool, executionId)).wake_at === null; await systemClock.sleep(10));
  await callBack(deps, await callbackOf(pool, { executionId, node }), { output, by: 'docs' })
}

/** By its first trigger, else with an empty input. */
async function begin({ name, triggers: [trigger] }: WorkflowDocument): Promise<string> {
  if (trigger === undefined) {
    const { id } = await findWorkflow(pool, { workflow: name })
    return (await engine.begin(id, [{}]))[0] ?? ''
  }
  const { id } = await findTrigger(pool, `${name}/${trigger.key}`)
  return (await fireManually(deps, { triggerId: id, input: {}, scope: 'docs' })).executionId ?? ''
}
