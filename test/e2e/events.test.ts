// What was acknowledged is not lost: events that come while no scheduler and no worker runs, through a restart of
// PostgreSQL, run once when workers return.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { makeFolder, serverPid } from './embedded-folder.ts'

const EVENTS = 100

const DOCUMENT = JSON.stringify({
  name: 'orders',
  nodes: [{ key: 'note', type: 'transform', config: { template: '{{ input.event.data.n }}' } }],
  triggers: [
    { key: 'each', type: 'event', config: { event: 'order.*' } },
    {
      key: 'tens',
      type: 'event',
      config: { event: 'order.*', batch: { size: 10, within: '1h' }, input: { event: { data: { n: -1 } } } },
    },
  ],
})

test('100 events that were acknowledged while no worker ran survive a restart of PostgreSQL and run once', {
  timeout: 180_000,
}, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const env = { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0', LOG_LEVEL: 'info', MBFLOW_LOG_FORMAT: 'json' }
  const daemon = async (roles: string): Promise<Running> => {
    const running = startMbflow(['start', '--roles', roles], { env })
    await running.line(/is running/, 60_000)
    return running
  }
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await runMbflow([...args, '--json'], { env })
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout)
  }

  const door = await daemon('http')
  const file = join(folder.root, 'orders.yaml')
  await writeFile(file, DOCUMENT)
  expect(await runMbflow(['apply', '-f', file], { env })).toMatchObject({ code: 0 })
  const url = /http:\/\/[\d.:]+/.exec(await door.line(/http:\/\/127/))?.[0]
  const emit = emitterFor(httpTransport(`${url}/api/v1/events`), { binding: HTTP, mode: Mode.BINARY })
  for (let n = 0; n < EVENTS; n++)
    await emit(new CloudEvent({ id: String(n), source: '/shop', type: 'order.paid', data: { n } }))

  process.kill(serverPid(folder.dataDir) ?? 0, 'SIGQUIT')
  await door.stop('SIGKILL')
  const [first, second] = [await daemon('scheduler,worker,http'), await daemon('scheduler,worker')]

  interface Fired {
    readonly disposition: string
    readonly execution_status: string | null
  }
  const history = async (trigger: string): Promise<Fired[]> =>
    (await json('trigger', 'history', trigger, '--limit', '200')) as Fired[]
  const completed = (fires: readonly Fired[]): number =>
    fires.filter(one => one.execution_status === 'completed').length
  for (const patience = AbortSignal.timeout(60_000); !patience.aborted; await systemClock.sleep(200))
    if (completed(await history('orders/each')) + completed(await history('orders/tens')) === EVENTS + EVENTS / 10)
      break

  const each = await history('orders/each')
  expect([each.length, completed(each)]).toEqual([EVENTS, EVENTS])
  const tens = await history('orders/tens')
  expect([tens.length, completed(tens)]).toEqual([EVENTS, EVENTS / 10])
  expect(await json('event', 'list', '--pending')).toEqual([])
  const [last] = (await json('event', 'list', '--limit', '1')) as { id: string; fires: unknown[] }[]
  expect([last?.id, last?.fires.length]).toEqual([String(EVENTS - 1), 2])
  for (const running of [first, second])
    expect(await running.stop('SIGTERM'), running.stderr()).toEqual({ code: 0, signal: null })
})
