// docs/limits.md: what it says may be, may be; one more is refused with the code it says.
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createHttpClient } from '../../../src/base/http-guard.ts'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { commandProblem, decideCommand } from '../../../src/execution/command.ts'
import { settleAttempt } from '../../../src/execution/decide.ts'
import { draftOf } from '../../../src/execution/draft.ts'
import { decideFate } from '../../../src/execution/fate.ts'
import { mapInput } from '../../../src/execution/mapping.ts'
import { initialState } from '../../../src/execution/state.ts'
import type { ExecutionRow } from '../../../src/execution/store.ts'
import { createEvaluator } from '../../../src/expression/evaluator.ts'
import { renderTemplates } from '../../../src/expression/template.ts'
import { readBody } from '../../../src/inbox/body.ts'
import { readCloudEvent } from '../../../src/inbox/cloud-event.ts'
import { readEvents } from '../../../src/inbox/event-request.ts'
import type { NodeType } from '../../../src/node/node-type.ts'
import { http } from '../../../src/node/types/http.ts'
import { split } from '../../../src/node/types/split.ts'
import { transform } from '../../../src/node/types/transform.ts'
import { check } from '../../../src/trigger/apply-files.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { attemptOf } from '../../support/attempt-of.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { planOf } from '../../support/plans.ts'
import { startStubServer } from '../../support/stub-server.ts'
import { createTestTriggers } from '../../support/triggers.ts'
import { readPage } from '../../unit/docs/pages.ts'
import { requestWith } from '../../unit/inbox/requests.ts'

type Code = string | undefined

const NEVER = new AbortController().signal
const server = await startStubServer()
const client = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
const { pool } = await createTestDatabase()
const engine = await createTestEngine(pool)
const triggers = await createTestTriggers(engine)
const trigger = await triggers.create('manual', {})
const sandbox = createEvaluator({ size: 1, log: silentLogger, timeoutMs: 10_000 })
await sandbox.start()
afterAll(async () => {
  await sandbox.stop()
  await engine.stop()
  await client.close()
  await server.close()
})

const plan = planOf(['a -> b'])
const now = { at: new Date(0), random: 0 }
const list = <T>(count: number, item: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i))
const nested = (depth: number): Json => list(depth, i => i).reduce<Json>(value => [value], 0)
/** A text that has so many bytes as JSON. */
const text = (bytes: number): string => 'x'.repeat(bytes - 2)
const named = (count: number): JsonObject => Object.fromEntries(list(count, i => [i.toString(36), 0]))

const EVENT = { specversion: '1.0', id: '1', source: '/', type: 'a' }

/** The code with which something of so many is refused; undefined if it is taken. */
const limits: { readonly [what: string]: (size: number) => Code | Promise<Code> } = {
  'bytes of a document': bytes => apply(`name: x\nnodes: [{ key: a, type: transform }]\n#${'x'.repeat(bytes - 46)}`),
  'nodes of a workflow': count => apply({ nodes: list(count, i => node(`n${i}`)) }),
  'edges of a workflow': count => {
    const pairs = list(100, i => list(i, k => ({ from: `n${k}`, to: `n${i}` }))).flat()
    return apply({ nodes: list(100, i => node(`n${i}`)), edges: pairs.slice(0, count) })
  },
  'triggers of a workflow': count => apply({ triggers: list(count, i => ({ key: `t${i}`, type: 'manual' })) }),
  'attempts of a node': count => apply({ nodes: [{ ...node('a'), retry: { max_attempts: count } }] }),
  'bytes of an input given by hand': bytes =>
    thrownBy(() => fireManually(triggers.arm, { triggerId: trigger.id, input: fieldOf(bytes), scope: 'test' })),
  'bytes of the input a trigger makes': async bytes => {
    const whole = { ...plan, workflow: { ...plan.workflow, variables: { made: text(bytes) } } }
    const row = { input: {}, mapping: '{{ vars.made }}', triggerData: {}, createdAt: now.at } as unknown as ExecutionRow
    const mapped = await mapInput({ evaluator: sandbox, clock: systemClock }, { row, plan: whole }, NEVER)
    return mapped !== undefined && 'error' in mapped ? mapped.error.code : undefined
  },
  'named values in the body of a webhook': count => bodyOf(named(count)),
  'lists and objects within each other in the body of a webhook': depth => bodyOf(nested(depth)),
  'bytes of an event': bytes => {
    const around = Buffer.byteLength(JSON.stringify({ id: '1', source: '/', type: 'a', data: '' })) - 2
    return 'problems' in readCloudEvent({ ...EVENT, data: text(bytes - around) }) ? 'EVENT_INVALID' : undefined
  },
  'events of one request': count => eventsOf(list(count, i => ({ ...EVENT, id: String(i) }))),
  'lists and objects within each other in a request with events': depth =>
    eventsOf([{ ...EVENT, data: nested(depth - 2) }]),
  'bytes of an output': bytes => gives(text(bytes)),
  'bytes of all outputs of an execution': bytes => {
    const keys = list(32, i => `n${i}`)
    const wide = planOf(keys)
    const draft = draftOf(initialState(wide, null))
    decideFate(wide, draft, { now, drain: 'none' })
    const each = 1024 * 1024
    keys.forEach((key, i) => {
      const output = text(i === 0 ? bytes - each * (keys.length - 1) : each)
      settleAttempt(wide, draft, { key, outcome: { kind: 'completed', output }, now })
    })
    return draft.state.nodes.find(({ error }) => error !== undefined)?.error?.code
  },
  'lists and objects within each other in an output': depth => gives(nested(depth)),
  'named values in an output': count => gives(named(count)),
  'items of a split': count =>
    codeOf(
      split,
      { items: 'input' },
      list(count, i => i),
    ),
  'bytes of the items of a split': bytes => codeOf(split, { items: '[input]' }, text(bytes - '[]'.length)),
  'splits within each other': depth => {
    const splits = list(depth, i => ({ key: `s${i}`, type: 'split', config: { items: '[1]' } }))
    const merges = list(depth, i => ({ key: `m${i}`, type: 'merge' })).reverse()
    const nodes = [...splits, node('n'), ...merges]
    return apply({ nodes, edges: nodes.slice(1).map(({ key: to }, i) => ({ from: nodes[i]?.key ?? '', to })) })
  },
  'bytes of the answer to an `http` node': bytes =>
    codeOf(http, { url: `${server.url}/huge?bytes=${bytes}`, next_page: 'null', items: '$length(body)' }),
  'bytes of what a node is called back with': bytes => {
    const command = { verb: 'callback', by: 'test', node: 'a', generation: 0, output: text(bytes) } as const
    return commandProblem(command) === null ? undefined : 'INPUT_INVALID'
  },
  'characters of an expression': count => evaluating(`input${' '.repeat(count - 5)}`),
  'brackets within each other in an expression': depth => evaluating(`${'['.repeat(depth)}${']'.repeat(depth)}`),
  'bytes of the data an expression names': bytes =>
    evaluating('$length(input)', { input: text(bytes - '{"input":}'.length) }),
  'bytes of the value of an expression': bytes => evaluating(`$pad("", ${bytes - 2}, "x")`),
  'items of a list an expression makes': count => evaluating(`$count([1..${count}])`),
  'characters that the templates of a node put together': count =>
    thrownBy(() => renderTemplates('{{ input }}!', { input: 'x'.repeat(count - 1) }, sandbox)),
  'events of an execution that goes on': count => {
    const draft = draftOf({ ...initialState(plan, {}), sequence: count })
    decideFate(plan, draft, { now, drain: 'none' })
    return draft.state.error?.code
  },
  'events of an execution that is paused, retried, redriven or rerun': count => {
    const draft = draftOf({ ...initialState(plan, {}), sequence: count })
    const verdict = decideCommand(plan, draft, { command: { verb: 'pause', by: 'test' }, at: now.at })
    return verdict.kind === 'refused' ? verdict.code : undefined
  },
}

const node = (key: string): JsonObject => ({ key, type: 'transform' })

function apply(document: string | JsonObject): Code {
  const whole = typeof document === 'string' ? document : JSON.stringify({ name: 'x', nodes: [node('a')], ...document })
  return check(whole).problems.length > 0 ? 'DOCUMENT_INVALID' : undefined
}

/** An object that has so many bytes as JSON. */
function fieldOf(bytes: number): JsonObject {
  return { a: text(bytes - '{"a":}'.length) }
}

function bodyOf(value: Json): Code {
  const read = readBody(requestWith({ body: JSON.stringify(value) }))
  return 'code' in read ? read.code : undefined
}

function eventsOf(batch: readonly Json[]): Code {
  const headers = { 'content-type': 'application/cloudevents-batch+json' }
  return 'events' in readEvents(requestWith({ headers, body: JSON.stringify(batch) })) ? undefined : 'EVENT_INVALID'
}

async function gives(output: Json): Promise<Code> {
  return codeOf(transform, {}, output)
}

async function codeOf(type: NodeType, config: JsonObject, input: Json = null): Promise<Code> {
  const outcome = await attemptOf(type, config, { input, http: client, timeout_ms: 20_000 })
  return outcome.kind === 'failed' ? outcome.error.code : undefined
}

function evaluating(expression: string, scope: JsonObject = { input: 1 }): Promise<Code> {
  return thrownBy(() => sandbox.evaluate(expression, scope))
}

async function thrownBy(work: () => Promise<unknown>): Promise<Code> {
  return work().then(
    () => undefined,
    error => error.code,
  )
}

const rows = readPage('docs/limits.md').tables[0]?.rows ?? []

test('the page has the limits that are tested here', () => {
  expect(rows.map(([what]) => what)).toEqual(Object.keys(limits))
})

test.each(rows)('%s: %s may be, one more is refused with %s', async (what, most, code) => {
  const [number = '', unit = ''] = most?.split(' ') ?? []
  const limit = Number(number.replaceAll(',', '')) * ({ KiB: 1024, MiB: 1024 ** 2 }[unit] ?? 1)
  expect(await limits[what ?? '']?.(limit)).toBeUndefined()
  expect(await limits[what ?? '']?.(limit + 1)).toBe(code?.replaceAll('`', ''))
})
