import { readdirSync, readFileSync } from 'node:fs'
import jsonata from 'jsonata'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Service } from '../../src/base/service.ts'
import { createEvaluator } from '../../src/expression/evaluator.ts'
import { type Evaluator, expressionLimits } from '../../src/expression/expression.ts'
import type { SandboxOptions } from '../../src/expression/sandbox.ts'
import { renderTemplates } from '../../src/expression/template.ts'
import { startProcess } from '../support/processes.ts'

const HANGS = `$match("${'a'.repeat(35)}!", /^(a+)+$/)`

/** For the tests of what is answered; those of how processes live start their own. */
const evaluator = createEvaluator({ log: silentLogger })
beforeAll(evaluator.start)
afterAll(evaluator.stop)

async function started(options: Partial<SandboxOptions> = {}): Promise<Evaluator & Service> {
  const own = createEvaluator({ log: silentLogger, ...options })
  await own.start()
  onTestFinished(() => own.stop())
  return own
}

/** The processes a process has started, as Linux knows them. */
function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The sandbox processes that came since `before`. */
const since = (before: readonly number[]): number[] => childrenOf(process.pid).filter(pid => !before.includes(pid))

const scope: JsonObject = {
  input: {
    items: [
      { name: 'pen', price: 2 },
      { name: 'ink', price: 12.5 },
    ],
    text: 'Grüße, 世界 🌍',
    none: null,
  },
  vars: { limit: 10 },
}

test('what the sandbox answers is what jsonata answers', async () => {
  const expressions = [
    '$sum(input.items.price)',
    'input.items[price > $$.vars.limit].name',
    'input.items[price > 2]',
    'input.items[price > 2][]',
    'input.items.name',
    'input.missing.name',
    'input.none',
    'input.items^(>price).name',
    'input.items{name: price}',
    'input.items ~> |$|{"total": price * 2}, "price"|',
    '$map(input.items, function($item, $i) { $i & ": " & $item.name })',
    '$join($split(input.text, " "), "-")',
    '$match(input.text, /[a-z]+/).match',
    '$toMillis("2026-01-02T03:04:05Z")',
    '$fromMillis(0, "[D01]/[M01]/[Y0001]", "+0100")',
    '$base64encode("any text: \\u00ff") & $base64decode("YW55IHRleHQ=") & $base64decode("_-8") & $base64encode("")',
    '$base64encode("a") & $base64encode("ab") & $base64encode("abc") & $base64encode("世")',
    '($x := 2; $f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f($x + 3))',
    '$eval("1 + 1")',
  ]
  for (const expression of expressions) {
    const expected = JSON.stringify(await jsonata(expression).evaluate(structuredClone(scope)))
    expect([expression, JSON.stringify(await evaluator.evaluate(expression, scope))]).toEqual([expression, expected])
  }
})

test('an evaluation that takes its time ends with the signal', async () => {
  const abort = new AbortController()
  const evaluation = evaluator.evaluate(HANGS, {}, abort)
  abort.abort(new Error('enough'))
  await expect(evaluation).rejects.toThrow('enough')
})

test('an error says what, where and near what', async () => {
  await expect(evaluator.evaluate('vars.limit +  "1"', scope)).rejects.toMatchObject({
    name: 'ExpressionError',
    code: 'EXPRESSION_FAILED',
    position: 11,
    message: 'The right side of the "+" operator must evaluate to a number (character 12, near `vars.limit + "1"`)',
  })
})

test('a template takes from the sandbox what the fast path cannot tell', async () => {
  const value = { total: '{{ $sum(input.items.price) }}', text: '{{ vars.limit }} or {{ input.items.name }}' }
  expect(await renderTemplates(value, scope, evaluator)).toEqual({ total: 14.5, text: '10 or ["pen","ink"]' })
})

test('a template whose expression fails in the sandbox names its path', async () => {
  await expect(renderTemplates({ body: { n: '{{ 1 + "a" }}' } }, scope, evaluator)).rejects.toMatchObject({
    code: 'EXPRESSION_FAILED',
    message: expect.stringMatching(/^body\.n: \{\{ 1 \+ "a" \}\}: The right side of the "\+"/),
  })
})

test('data may be as large as the limit and not larger', async () => {
  const frame = JSON.stringify({ input: { text: '' } }).length
  const find = async (size: number): Promise<Json | undefined> =>
    evaluator.evaluate('$contains(input.text, "y")', { input: { text: 'x'.repeat(size) } })
  expect(await find(expressionLimits.input - frame)).toBe(false)
  await expect(find(expressionLimits.input - frame + 1)).rejects.toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
})

test('only the data an expression names counts', async () => {
  const large = 'x'.repeat(expressionLimits.input + 1)
  expect(
    await evaluator.evaluate('$sum(nodes.a.output)', {
      input: large,
      nodes: { a: { output: [1, 2] }, b: { output: large } },
    }),
  ).toBe(3)
})

test('a result may be as large as the limit and not larger', async () => {
  const made = (size: number): Promise<Json | undefined> => evaluator.evaluate(`$pad("", ${size - 2}, "x")`, {})
  expect(await made(expressionLimits.output)).toHaveLength(expressionLimits.output - 2)
  await expect(made(expressionLimits.output + 1)).rejects.toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
})

test('a result is measured in bytes, as it will be stored', async () => {
  await expect(evaluator.evaluate(`$pad("", ${expressionLimits.output / 2}, "世")`, {})).rejects.toMatchObject({
    code: 'EXPRESSION_TOO_LARGE',
    message: 'the result is 393218 bytes of JSON, at most 262144 are allowed',
  })
})

test('a result may be nested as deep as the limit and not deeper', async () => {
  const nested = (depth: number): Promise<Json | undefined> =>
    evaluator.evaluate(`($d := function($v, $n) { $n = 0 ? $v : $d({"a": $v}, $n - 1) }; $d(1, ${depth}))`, {})
  expect(await nested(256)).toBeTypeOf('object')
  await expect(nested(257)).rejects.toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
})

test('an array may be as long as the limit and not longer', async () => {
  expect(await evaluator.evaluate('$count([1..100000])', {})).toBe(100_000)
  await expect(evaluator.evaluate('$count([1..100001])', {})).rejects.toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
})

test('while one expression hangs another is evaluated', async () => {
  const own = await started()
  const order: string[] = []
  const hanging = own.evaluate(HANGS, {}).catch(error => order.push(error.code))
  const quick = own.evaluate('$sum([1, 2])', {}).then(() => order.push('quick'))
  await Promise.all([hanging, quick])
  expect(order).toEqual(['quick', 'EXPRESSION_TIMEOUT'])
})

test('what waits behind an expression that hangs is evaluated after it, by a new process', async () => {
  const own = await started({ size: 1, timeoutMs: 500 })
  const outcomes = await Promise.allSettled([own.evaluate(HANGS, {}), own.evaluate('$sum([1, 2])', {})])
  expect(outcomes).toMatchObject([{ reason: { code: 'EXPRESSION_TIMEOUT' } }, { value: 3 }])
})

test('no more wait than the queue holds', async () => {
  const own = await started({ size: 1 })
  const accepted = Array.from({ length: 1000 }, () => own.evaluate('$sum([1, 2])', {}))
  await expect(own.evaluate('$sum([1, 2])', {})).rejects.toMatchObject({
    code: 'EXPRESSION_UNAVAILABLE',
    message: '1000 expressions are waiting for an evaluator already',
  })
  expect(new Set(await Promise.all(accepted))).toEqual(new Set([3]))
})

test('no expression waits longer than it may', async () => {
  let now = 0
  const clock: Clock = { ...systemClock, monotonic: () => now }
  const own = await started({ clock })
  const late = own.evaluate('$sum([1, 2])', {})
  now = 10_001 // before a process can be up
  await expect(late).rejects.toMatchObject({ code: 'EXPRESSION_UNAVAILABLE' })
  expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
})

test('an evaluator that does not run refuses what needs the sandbox, and nothing else', async () => {
  const own = createEvaluator({ log: silentLogger })
  expect(await own.evaluate('vars.limit > 3', scope)).toBe(true)
  await expect(own.evaluate('$sum([1])', {})).rejects.toMatchObject({ code: 'EXPRESSION_UNAVAILABLE' })
})

test('stopping ends what waits with an error and can be done twice', async () => {
  const own = await started({ size: 1 })
  const waiting = [own.evaluate('$sum([1])', {}), own.evaluate('$sum([2])', {})]
  const outcomes = Promise.allSettled(waiting)
  await own.stop()
  await own.stop()
  expect(await outcomes).toMatchObject([
    { reason: { code: 'EXPRESSION_UNAVAILABLE' } },
    { reason: { code: 'EXPRESSION_UNAVAILABLE' } },
  ])
})

test('stopping lets an evaluation in progress end', async () => {
  const own = await started({ size: 1 })
  await own.evaluate('$sum([1])', {})
  const last = own.evaluate('$sum([1..1000])', {})
  await own.stop()
  expect(await last).toBe(500_500)
})

test('an evaluator that was stopped can be started again', async () => {
  const own = await started()
  await own.stop()
  await own.start()
  expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
})

test('processes that do not start are told by an error, and tried again when they are needed again', async () => {
  const execPath = process.execPath
  onTestFinished(() => {
    process.execPath = execPath
  })
  process.execPath = '/bin/false'
  const own = await started()
  await expect(own.evaluate('$sum([1])', {})).rejects.toMatchObject({
    code: 'EXPRESSION_UNAVAILABLE',
    message: expect.stringMatching(/^the process for evaluating expressions does not start \(1\)/),
  })
  process.execPath = '/nowhere/node'
  await expect(own.evaluate('$sum([1])', {})).rejects.toMatchObject({ code: 'EXPRESSION_UNAVAILABLE' })
  process.execPath = execPath
  expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
})

const onLinux = test.skipIf(process.platform !== 'linux')

onLinux('no process is started before one is needed, and no more than needed', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 3 })
  await own.evaluate('vars.limit = 10', scope)
  expect(since(before)).toEqual([])
  await own.evaluate('$sum([1])', {})
  await own.evaluate('$sum([2])', {})
  expect(since(before)).toHaveLength(1)
})

onLinux('stopping leaves no process behind', async () => {
  const before = childrenOf(process.pid)
  const own = await started()
  await Promise.all([own.evaluate('$sum([1])', {}), own.evaluate('$sum([2])', {})])
  expect(since(before)).toHaveLength(2)
  await own.stop()
  expect(since(before)).toEqual([])
})

onLinux('a process is replaced after its share of evaluations', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 1, recycleAfter: 3 })
  const pids = new Set<number>()
  for (let i = 0; i < 7; i++) {
    expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
    for (const pid of since(before)) pids.add(pid)
  }
  expect(pids.size).toBeGreaterThanOrEqual(3)
})

onLinux('a process that is killed while idle is replaced', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 1 })
  await own.evaluate('$sum([1])', {})
  const [pid = 0] = since(before)
  process.kill(pid, 'SIGKILL')
  expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
  expect(since(before)).not.toContain(pid)
})

onLinux('an expression whose process is killed by others is evaluated again', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 1 })
  await own.evaluate('$sum([1])', {})
  const [pid = 0] = since(before)
  const result = own.evaluate('$sum([1, 2])', {})
  process.kill(pid, 'SIGKILL')
  expect(await result).toBe(3)
})

onLinux('signals meant for the group do not disturb an evaluation', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 1 })
  await own.evaluate('$sum([1])', {})
  const [pid = 0] = since(before)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal)
  expect(await own.evaluate('$sum([1, 2])', {})).toBe(3)
  expect(since(before)).toEqual([pid])
})

onLinux('a process has no environment', async () => {
  const before = childrenOf(process.pid)
  const own = await started({ size: 1 })
  await own.evaluate('$sum([1])', {})
  const [pid = 0] = since(before)
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('')
})

onLinux('when the parent is killed its processes end, even one that hangs', async () => {
  const root = new URL('../../src/', import.meta.url).href
  const parent = startProcess(process.execPath, [
    '--input-type=module',
    '-e',
    `import { createEvaluator } from '${root}expression/evaluator.ts'
     import { silentLogger } from '${root}base/log.ts'
     const evaluator = createEvaluator({ log: silentLogger, timeoutMs: 2000 })
     await evaluator.start()
     await Promise.all([evaluator.evaluate('$sum([1])', {}), evaluator.evaluate('$sum([2])', {})])
     evaluator.evaluate(${JSON.stringify(HANGS)}, {})
     console.log('hanging')`,
  ])
  await parent.line(/hanging/)
  const orphans = childrenOf(parent.pid)
  expect(orphans).toHaveLength(2)
  await parent.stop('SIGKILL')
  await vi.waitFor(() => expect(orphans.filter(isAlive)).toEqual([]), { timeout: 10_000 })
})
