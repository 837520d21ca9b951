import { PassThrough } from 'node:stream'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Json } from '../../../src/base/json.ts'
import { run } from '../../../src/cli/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf } from '../../support/engine.ts'
import { recorder } from '../../unit/cli/recorder.ts'

const { pool, url } = await createTestDatabase()
const engine = await createTestEngine(pool)
afterAll(engine.stop)
const workflowId = await engine.publish(documentOf(['a -> b'], { type: 'transform' }))

/** `execution watch`, and what it has said of an execution. */
function watch() {
  const controller = new AbortController()
  const [stdout, stderr] = [recorder(), recorder()]
  const io = { env: { DATABASE_URL: url }, stdin: new PassThrough(), stdout: stdout.stream, stderr: stderr.stream }
  const interruption = { take: () => controller.signal, onClosedPipe: () => controller.abort() }
  const ended = run(['execution', 'watch', '--json'], { ...io, interruption })
  onTestFinished(async () => {
    controller.abort()
    expect([await ended, stderr.text()]).toEqual([0, ''])
  })
  const said = new Map<string, string[]>()
  let read = 0
  return (id: string): readonly string[] => {
    const text = stdout.text()
    const end = text.lastIndexOf('\n') + 1
    for (const line of text.slice(read, end).split('\n').filter(Boolean)) {
      const { id: of, status } = JSON.parse(line) as { id: string; status: string }
      said.set(of, [...(said.get(of) ?? []), status])
    }
    read = end
    return said.get(id) ?? []
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const patience = AbortSignal.timeout(20_000); !isSo(); await systemClock.sleep(20)) patience.throwIfAborted()
}

test('executions under way and new ones are told of, each state once, however many change at one instant', async () => {
  const [waiting = ''] = await engine.begin(workflowId, [{}])
  const statuses = watch()
  await until(() => statuses(waiting).length > 0)
  expect(statuses(waiting)).toEqual(['pending'])

  const burst = await engine.begin(workflowId, Array<Json>(600).fill({}))
  await until(() => burst.every(id => statuses(id).length > 0))
  const runner = engine.runner()
  await runner.start()
  await until(() => [waiting, ...burst].every(id => statuses(id).at(-1) === 'completed'))
  await runner.stop()
  expect(burst.filter(id => new Set(statuses(id)).size < statuses(id).length)).toEqual([])
})

test('what was over before is not told of', async () => {
  const [over = ''] = await engine.begin(workflowId, [{}])
  const before = engine.runner()
  await before.start()
  await engine.ended(over)
  await before.stop()
  const [waiting = ''] = await engine.begin(workflowId, [{}])
  const statuses = watch()
  await until(() => statuses(waiting).length > 0)
  expect(statuses(over)).toEqual([])
})
