// Every metric there is, declared once with its help and its labels; the only file that knows prom-client. Invariants:
// 1. Label values are closed sets (the types below, or the names in a registry): never an id, never a user's text.
// 2. Counters with known labels start at zero, so that a rate sees the first event.
// 3. A gauge is read when it is scraped; one that nobody provides is absent, not zero.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const fireTypes = ['cron', 'interval', 'event', 'webhook', 'manual'] as const
const dispositions = ['fired', 'buffered', 'coalesced', 'skipped'] as const
const hookOutcomes = ['accepted', 'skipped', 'repeated', 'answered', 'refused'] as const
const finalStatuses = ['completed', 'failed', 'cancelled'] as const

export interface Count {
  inc(value?: number): void
}

export interface CountBy<Labels> {
  inc(labels: Labels, value?: number): void
}

export interface Observation {
  observe(value: number): void
}

export interface Reading {
  /** From now on the gauge shows what `read` returns. */
  provide(read: () => number): void
}

export interface Metrics {
  readonly fires: CountBy<{ type: (typeof fireTypes)[number]; disposition: (typeof dispositions)[number] }>
  /** Requests to hooks that there are. */
  readonly hookRequests: CountBy<{ outcome: (typeof hookOutcomes)[number] }>
  /** Seconds from the slot to its fire. */
  readonly fireLateness: Observation
  readonly tickSeconds: Observation
  /** Seconds. */
  readonly tickAge: Reading
  readonly executions: CountBy<{ status: (typeof finalStatuses)[number] }>
  /** `type` is a name from the registry of node types. */
  readonly nodeAttempts: CountBy<{ type: string; outcome: 'completed' | 'failed' | 'parked' | 'split' }>
  readonly appendSeconds: Observation
  readonly appendBatch: Observation
  readonly fenced: Count
  readonly queueActive: Reading
  /** Everything in the text format that Prometheus reads. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>
}

const FAST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const LATENESS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600]
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const histogram = (name: string, help: string, buckets: number[]): Observation =>
    new Histogram({ name, help, buckets, registers })
  const count = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })

  function gauge(name: string, help: string): Reading {
    let read: (() => number) | undefined
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (read) this.set(read())
        else this.remove()
      },
    })
    return {
      provide: source => {
        read = source
      },
    }
  }

  const fires = count('mbflow_fires_total', 'What became of slots, deliveries, events and requests, by trigger type', [
    'type',
    'disposition',
  ])
  for (const type of fireTypes) for (const disposition of dispositions) fires.inc({ type, disposition }, 0)
  const hookRequests = count('mbflow_hook_requests_total', 'Requests to webhook triggers, by what came of them', [
    'outcome',
  ])
  for (const outcome of hookOutcomes) hookRequests.inc({ outcome }, 0)
  const executions = count('mbflow_executions_total', 'Executions that ended, by final status', ['status'])
  for (const status of finalStatuses) executions.inc({ status }, 0)

  return {
    fires,
    hookRequests,
    fireLateness: histogram('mbflow_fire_lateness_seconds', 'Time from a slot to its fire', LATENESS_SECONDS),
    tickSeconds: histogram('mbflow_tick_seconds', 'Duration of one pass of the trigger poller', FAST_SECONDS),
    tickAge: gauge('mbflow_tick_age_seconds', 'Time since the last completed pass of the trigger poller'),
    executions,
    nodeAttempts: count('mbflow_node_attempts_total', 'Node attempts that ended, by node type', ['type', 'outcome']),
    appendSeconds: histogram('mbflow_append_seconds', 'Duration of one flush of the event log', FAST_SECONDS),
    appendBatch: histogram('mbflow_append_batch', 'Appends in one flush of the event log', BATCH_SIZES),
    fenced: count('mbflow_fenced_total', 'Appends refused because another worker has taken over', []),
    queueActive: gauge('mbflow_queue_active', 'Executions this daemon holds'),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}
