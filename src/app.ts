// The composition root: configuration in, a running daemon out. Parts are started in the order in which they need each
// other and stopped in reverse: first what brings work in, then what works, then what both stand on.
import { schedule } from 'node-cron'
import { createMasterKeys } from './access/master-keys.ts'
import { createStoredSecrets, type StoredSecrets } from './access/stored-secrets.ts'
import { createAddressRanges } from './base/address-ranges.ts'
import { type Clock, createDatabaseClock, type DatabaseClock, systemClock } from './base/clock.ts'
import type { Config } from './base/config.ts'
import { createIds, type Ids } from './base/id.ts'
import type { Logger } from './base/log.ts'
import { createMetrics, type Metrics } from './base/metrics.ts'
import { createOrigin } from './base/origin.ts'
import { createSecrets, type Secrets } from './base/secrets.ts'
import type { Loop, Service } from './base/service.ts'
import type { Database } from './db/database.ts'
import { createTimekeeper } from './db/database-time.ts'
import { ensureEventPartitions } from './db/event-partitions.ts'
import { createListener, createTeller } from './db/listener.ts'
import type { Pool } from './db/pool.ts'
import { createPools, type Pools } from './db/pools.ts'
import { createPulse, LOOK_ANYWAY_MS } from './db/pulse.ts'
import { createAdmitter } from './execution/admit.ts'
import { callBack, callbackAt } from './execution/callbacks.ts'
import { createChildren } from './execution/children.ts'
import { createPacer } from './execution/pace.ts'
import { createWorker } from './execution/worker.ts'
import { createEvaluator } from './expression/evaluator.ts'
import type { Evaluator } from './expression/expression.ts'
import { createHealth } from './http/health.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { acceptEvents } from './inbox/accept.ts'
import { createDrain } from './inbox/drain.ts'
import { createReceiver } from './inbox/receive.ts'
import type { NodeType } from './node/node-type.ts'
import { createQueue, type Queue } from './queue/queue.ts'
import { LEASE_SECONDS } from './queue/queues.ts'
import { createBackfiller } from './trigger/backfiller.ts'
import { findTrigger } from './trigger/find.ts'
import { fireManually } from './trigger/fire-manually.ts'
import { createPoller, type Poller } from './trigger/poller.ts'
import { createReleaser } from './trigger/release.ts'

export interface Daemon extends Service {
  /** Where HTTP listens, if this daemon serves it. */
  url(): string | undefined
}

/** A daemon whose last completed pass over the triggers is older than this is not ready. Milliseconds. */
const STALE_TICK_MS = 30_000
/** Nightly, at a minute of its own: months of events are made ahead, so that a daemon may run for years. */
const HOUSEKEEPING = '17 3 * * *'

/** What is there before a daemon. */
export interface DaemonDeps {
  readonly config: Config
  readonly database: Database
  readonly log: Logger
  readonly nodeTypes: ReadonlyMap<string, NodeType>
}

/** What every role of a daemon stands on. */
interface Ground {
  readonly config: Config
  readonly nodeTypes: ReadonlyMap<string, NodeType>
  readonly log: Logger
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly ids: Ids
  readonly metrics: Metrics
  readonly stored: StoredSecrets
  readonly secrets: Secrets
  readonly pools: Pools
  readonly queue: Queue
  readonly evaluator: Evaluator & Service
}

function createGround({ config, database, log, nodeTypes }: DaemonDeps): Ground {
  const clock = systemClock
  const databaseClock = createDatabaseClock(clock)
  const pools = createPools({ url: database.url, size: config.dbPoolSize, lease: LEASE_SECONDS * 1000, log })
  const keys = createMasterKeys({ masterKeys: config.masterKeys, dataDir: database.dataDir })
  const stored = createStoredSecrets({ pool: pools.engine, keys, clock })
  return {
    config,
    nodeTypes,
    log,
    clock,
    databaseClock,
    ids: createIds(databaseClock.now),
    metrics: createMetrics(),
    stored,
    secrets: createSecrets(config.secrets, stored),
    pools,
    queue: createQueue({ pool: pools.queue, log, supervise: config.roles.includes('worker') }),
    evaluator: createEvaluator({ size: config.expressionProcesses, log }),
  }
}

export function createDaemon(deps: DaemonDeps): Daemon {
  const { config, database, log } = deps
  const ground = createGround(deps)
  const { clock, pools, queue, stored, evaluator } = ground
  const plays = (role: Config['roles'][number]): boolean => config.roles.includes(role)
  const listener = createListener({ url: database.url, log })
  const scheduling = {
    ...ground,
    pool: pools.scheduler,
    pollInterval: LOOK_ANYWAY_MS,
    onFired: () => worker.wake(),
  }
  const releaser = createReleaser(scheduling)
  const origin = createOrigin(config)
  const admitter = createAdmitter({ ...scheduling, onAdmitted: () => worker.wake() })
  const children = createChildren({ ...scheduling, onOpened: () => worker.wake() })
  const pacer = createPacer({ ...scheduling, onAdmitted: () => worker.wake() })
  const worker = createWorker(ground, {
    hold: () => poller.isBehind(),
    onWaiting: (gate, keys) => (gate === 'limit' ? admitter.tell(keys) : pacer.wake()),
    origin: origin.known,
    onEnded({ triggerIds, limitKeys, splitters }) {
      if (triggerIds.length > 0) releaser.tell(triggerIds)
      if (limitKeys.length > 0) admitter.tell(limitKeys)
      if (splitters.length > 0) children.tell(splitters)
    },
  })
  const poller: Poller = createPoller({ ...scheduling, pollInterval: config.pollInterval })
  const backfiller = createBackfiller(scheduling)
  const drain = createDrain(scheduling)
  const server = createServer(ground, plays('scheduler') ? { poller, drain } : undefined)
  ground.metrics.tickAge.provide(() => poller.age() / 1000)
  for (const look of [poller.wake, releaser.look, admitter.look, children.look, backfiller.wake])
    listener.on('triggers', look)
  listener.on('events', drain.wake)
  listener.on('jobs', worker.wake)
  listener.on('secrets', stored.forget)
  listener.on('commands', worker.heed)
  listener.on('commands', children.look)

  const pulsed = [
    ...(plays('worker') ? worker.pulsed : []),
    ...(plays('worker') || plays('scheduler') ? [releaser, admitter, pacer, children] : []),
    ...(plays('scheduler') ? [backfiller, drain] : []),
  ]
  const parts: Service[] = [
    database.watch(clock),
    queue,
    listener,
    createTimekeeper({ ...ground, pool: pools.queue, every: LOOK_ANYWAY_MS }),
    housekeeping(pools.scheduler, log),
    evaluator,
    ...(plays('worker') ? worker.parts : []),
    // Where ends are seen, and where slots come: whoever knows of room or of somebody who waits sees to it at once.
    ...(plays('worker') || plays('scheduler') ? [releaser, admitter, pacer, children] : []),
    ...(plays('scheduler') ? [poller, backfiller, drain] : []),
    ...(pulsed.length > 0
      ? [createPulse({ ...scheduling, pool: pools.queue, pollInterval: config.pollInterval }, pulsed)]
      : []),
    ...(plays('http') ? [server] : []),
  ]
  return {
    name: 'daemon',
    async start() {
      await ensureEventPartitions(pools.scheduler, log)
      for (const part of parts) await part.start()
      origin.settle(plays('http') ? server.url() : undefined)
    },
    async stop() {
      for (const part of parts.toReversed()) await stopPart(part, log)
      await Promise.all(Object.values(pools).map(pool => pool.end()))
    },
    url: () => (plays('http') ? server.url() : undefined),
  }
}

/** A part that cannot stop cleanly does not keep the others from stopping. */
async function stopPart(part: Service, log: Logger): Promise<void> {
  try {
    await part.stop()
  } catch (error) {
    log.error({ evt: 'daemon.stop_failed', err: error, part: part.name }, 'a part did not stop cleanly')
  }
}

/** The loops of the scheduler, where this daemon plays that role. */
interface Scheduler {
  readonly poller: Loop
  readonly drain: Loop
}

function createServer(ground: Ground, scheduler: Scheduler | undefined): HttpServer {
  const { config, log, clock, metrics, pools } = ground
  const checks = {
    database: () => pools.queue.executeSql('select').then(() => undefined),
    ...(scheduler && {
      triggers: async () => staleness(scheduler.poller.age(), 'triggers'),
      inbox: async () => staleness(scheduler.drain.age(), 'inbox'),
    }),
  }
  const tellOfEvents = scheduler?.drain.wake ?? createTeller({ pool: pools.http, topic: 'events', log })
  return createHttpServer({
    host: config.host,
    port: config.port,
    portChosen: config.origins.port.source !== 'default',
    drainTimeout: config.drainTimeout,
    log,
    metrics,
    health: createHealth(checks, clock),
    receiver: createReceiver({
      ...ground,
      pool: pools.http,
      proxies: { addresses: createAddressRanges(config.trustedProxies), header: config.forwardedHeader },
    }),
    callbackAt: token => callbackAt(pools.http, token),
    callBack: (found, output) => callBack({ ...ground, pool: pools.http }, found, { output, by: 'callback' }),
    async fireTrigger(word, request) {
      const { id: triggerId } = await findTrigger(pools.http, word)
      return fireManually({ ...ground, pool: pools.http }, { ...request, triggerId })
    },
    acceptEventsOf: config.acceptEvents,
    async acceptEvents(events) {
      const accepted = await acceptEvents(pools.http, events)
      tellOfEvents()
      return accepted
    },
  })
}

function staleness(age: number, over: string): string | undefined {
  return age < STALE_TICK_MS ? undefined : `the last pass over the ${over} is ${Math.round(age / 1000)} s old`
}

function housekeeping(pool: Pool, log: Logger): Service {
  const task = schedule(HOUSEKEEPING, () => ensureEventPartitions(pool, log), { noOverlap: true })
  task.on('execution:failed', ({ execution }) =>
    log.error({ evt: 'housekeeping.failed', err: execution?.error }, 'housekeeping failed'),
  )
  return {
    name: 'housekeeping',
    start: async () => void (await task.start()),
    stop: async () => void (await task.destroy()),
  }
}
