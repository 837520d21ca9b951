// The role that runs executions: a runner for each pool this process serves, and what turns, timers and commands stand on.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import { createHttpClient } from '../base/http-guard.ts'
import type { Ids } from '../base/id.ts'
import { createLimit } from '../base/limit.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { DEFAULT_POOL } from '../base/pool-name.ts'
import type { Secrets } from '../base/secrets.ts'
import type { Service } from '../base/service.ts'
import { version } from '../base/version.ts'
import { createTeller } from '../db/listener.ts'
import type { Pool } from '../db/pool.ts'
import { LOOK_ANYWAY_MS, type Pulsed } from '../db/pulse.ts'
import type { Ended } from '../event/append.ts'
import { createEventLog } from '../event/event-log.ts'
import type { Evaluator } from '../expression/expression.ts'
import type { NodeType } from '../node/node-type.ts'
import type { Queue } from '../queue/queue.ts'
import { createRunner } from '../queue/runner.ts'
import { createCatalog } from '../workflow/catalog.ts'
import { createAdvance } from './advance.ts'
import { createArrivals } from './arrive.ts'
import { createCallbacks } from './callbacks.ts'
import { createCommands } from './commands.ts'
import type { Gate } from './gates.ts'
import { createItems } from './items.ts'
import { createPoolWatch } from './pool-watch.ts'
import { createWakeServices } from './wake.ts'

export interface WorkerDeps {
  readonly config: Pick<
    Config,
    'allowPrivate' | 'concurrency' | 'drainTimeout' | 'nodeConcurrency' | 'pollInterval' | 'pools'
  >
  readonly pools: { readonly engine: Pool }
  readonly queue: Queue
  readonly ids: Ids
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly log: Logger
  readonly metrics: Metrics
  readonly nodeTypes: ReadonlyMap<string, NodeType>
  readonly evaluator: Evaluator
  readonly secrets: Secrets
}

export interface WorkerHooks {
  /** Whether claims have to wait for something more urgent. */
  hold(): boolean
  onEnded(ended: Ended): void
  /** Somebody came to wait at a gate. */
  onWaiting(gate: Gate, keys: readonly string[]): void
  /** Where this installation is reached over HTTP. */
  readonly origin: Promise<string>
}

export interface Worker {
  /** There may be jobs. */
  wake(): void
  /** Something may have been asked of executions it holds. */
  heed(): void
  /** In the order in which they need each other. */
  readonly parts: readonly Service[]
  readonly pulsed: readonly Pulsed[]
}

export function createWorker(deps: WorkerDeps, { hold, onEnded, onWaiting, origin }: WorkerHooks): Worker {
  const { config, log, clock, databaseClock, ids, metrics, queue } = deps
  const pool = deps.pools.engine
  const http = createHttpClient({ allowPrivate: config.allowPrivate, userAgent: `mbflow/${version}` })
  const eventLog = createEventLog({ pool, queue, ids, clock, databaseClock, metrics, log, onEnded })
  const engine = { pool, queue, ids, eventLog, catalog: createCatalog(pool), clock, log }
  const commands = createCommands({ pool, clock, log })
  const served = config.pools.map(({ name, concurrency = config.nodeConcurrency }) => ({ name, concurrency }))
  const ofPools = served.filter(({ name }) => name !== DEFAULT_POOL)
  const work = createAdvance({
    ...deps,
    ...engine,
    commands,
    arrivals: createArrivals({ pool, queue, ids, metrics, onWaiting }),
    callbacks: createCallbacks({ pool, origin }),
    items: createItems({ pool, nodeTypes: deps.nodeTypes }),
    http,
    attempts: createLimit(config.nodeConcurrency),
    pools: new Map(ofPools.map(({ name, concurrency }) => [name, createLimit(concurrency)])),
    drainTimeout: config.drainTimeout,
    onHandOver: to => handedOver(to ?? DEFAULT_POOL),
  })
  const runners = new Map(
    served.map(({ name, concurrency }) => {
      const source = name === DEFAULT_POOL ? { slots: config.concurrency } : { pool: name, slots: concurrency }
      return [name, createRunner({ queue, ...source, pollInterval: LOOK_ANYWAY_MS, clock, log, hold, work })]
    }),
  )
  const tellOthers = createTeller({ pool, topic: 'jobs', log })
  function handedOver(to: string): void {
    const runner = runners.get(to)
    runner?.wake()
    if (!runner?.hasRoom()) tellOthers()
  }
  const all = [...runners.values()]
  const wake = (): void => {
    for (const runner of all) runner.wake()
  }
  metrics.queueActive.provide(() => all.reduce((sum, runner) => sum + runner.held(), 0))
  const client: Service = { name: 'http client', start: async () => {}, stop: () => http.close() }
  const { timers, rescue } = createWakeServices(engine, wake)
  return {
    wake,
    heed: commands.wake,
    parts: [
      client,
      commands,
      ...all,
      timers,
      rescue,
      createPoolWatch({ queue, served: [...runners.keys()], clock, log }),
    ],
    pulsed: [...all, timers],
  }
}
