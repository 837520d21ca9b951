// Daemons that are killed at the boundaries of what they write (src/base/failpoint.ts), and what is left of the executions when
// the next daemon has ended them: their result, and which of their requests were made once more.
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Failpoint } from '../../src/base/failpoint.ts'
import type { Json } from '../../src/base/json.ts'
import { notify } from '../../src/db/listener.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { fold } from '../../src/execution/evolve.ts'
import { findExecution } from '../../src/execution/find.ts'
import { initialState, isAtWork } from '../../src/execution/state.ts'
import type { Violation } from '../../src/verify/verify.ts'
import type { CrashScene } from './crash-scenes.ts'
import { createTestDatabase } from './database.ts'
import { createTestEngine } from './engine.ts'
import { type Running, startMbflow } from './processes.ts'
import { type Sink, startSink } from './sink.ts'

/** `append.after:2`: when it gets there the second time. */
export type Place = `${Failpoint}:${number}`

/** What must be the same whatever was killed. */
interface Result {
  /** Of each of the executions; once, if they are the same. */
  readonly status: string
  readonly output: readonly Json[]
  /** `key status output`, in the order of their waves. */
  readonly nodes: readonly string[]
}

export interface Crashed {
  /** Whether every daemon got to its failpoint. */
  readonly wasKilled: boolean
  readonly result: Result
  /** How often each node asked the sink. */
  readonly requests: Readonly<Record<string, number>>
  /**
   * Nodes of which an attempt was under way when a daemon died, as far as the log knew, by what they ask the sink for; once
   * for every daemon.
   */
  readonly inFlight: readonly string[]
}

export interface Stage {
  /** Undisturbed, with the places it got to, in order. */
  reference(): Promise<Pick<Crashed, 'result' | 'requests'> & { readonly places: readonly Place[] }>
  /** Kills a daemon there, the one that takes over at the next place, and so on; the last one ends the executions. */
  crashAt(...places: readonly Place[]): Promise<Crashed>
  violations(): Promise<Violation[]>
}

const PRELOAD = new URL('./failpoint.mjs', import.meta.url).href
const PATIENCE_MS = 20_000
const SIGNING_KEY = `whsec_${Buffer.alloc(32).toString('base64')}`

export async function createStage(scene: CrashScene): Promise<Stage> {
  const { pool, url } = await createTestDatabase()
  const sink = await startSink()
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const version = await engine.publish({ name: scene.name, ...scene.document(sink.url) })
  const inputs = Array.from({ length: scene.together ?? 1 }, (_, i) => ({ n: i + 1 }))
  async function begin(): Promise<string[]> {
    sink.forget()
    const ids = await engine.begin(version, inputs)
    await notify(pool, 'jobs')
    return ids
  }

  /** Resolves when the executions are over, or their daemon. Whoever is to call back does so meanwhile. */
  async function overOr(ids: readonly string[], running: Running): Promise<boolean> {
    let left = ids
    let isGone = false
    void running.ended.then(() => {
      isGone = true
    })
    for (const patience = AbortSignal.timeout(PATIENCE_MS); ; await systemClock.sleep(10)) {
      const [id] = left
      if (id === undefined) return true
      const { status, completed_at, parked_reason } = await findExecution(pool, id)
      if (completed_at !== null) left = left.slice(1)
      else if (isGone) return false
      else if (parked_reason === 'callback') await callBack(running, sink)
      if (patience.aborted) throw new Error(`execution ${id} is still ${status}; the daemon said ${running.stderr()}`)
    }
  }

  async function inFlightOf(ids: readonly string[]): Promise<string[]> {
    return (await Promise.all(ids.map((id, nth) => inFlightIn(id, nth)))).flat()
  }

  async function inFlightIn(id: string, nth: number): Promise<string[]> {
    const plan = await engine.catalog.plan(version)
    const { nodes } = fold(plan, initialState(plan, inputs[nth] ?? null), await engine.eventLog.read(id))
    const ofItems = await pool.rows<{ key: string }>(sql('test.itemsInFlight')`
      select n.key || '-' || e.item_index as key
      from public.node_executions x join public.nodes n on n.id = x.node_id join public.executions e on e.id = x.execution_id
      where e.parent_execution_id = ${id} and x.status = 'running'`)
    const own = plan.nodes.flatMap(({ key, index }) => {
      const node = nodes[index]
      return node !== undefined && isAtWork(node) && node.calledBack === undefined
        ? [inputs.length === 1 ? key : `${key}-${nth + 1}`]
        : []
    })
    return [...own, ...ofItems.map(({ key }) => key)]
  }

  return {
    async reference() {
      const running = await start(url)
      await arm(running)
      const ids = await begin()
      await overOr(ids, running)
      const result = await resultOf(pool, ids)
      await running.stop('SIGTERM')
      return { result, requests: sink.requests(), places: placesIn(running.stderr()) }
    },
    async crashAt(...places) {
      const [first, ...others] = places
      let victim = await start(url, first)
      await arm(victim)
      const ids = await begin()
      let wasKilled = true
      const inFlight: string[] = []
      for (const next of [...others, undefined]) {
        const isOver = await overOr(ids, victim)
        if (isOver) await victim.stop('SIGKILL')
        else inFlight.push(...(await inFlightOf(ids)))
        wasKilled &&= !isOver
        await lapse(pool)
        if (next !== undefined) victim = spawn(url, { FAILPOINT: next, ARMED: 'yes' })
      }
      const survivor = await start(url)
      if (!(await overOr(ids, survivor))) throw new Error(`the second daemon ended: ${survivor.stderr()}`)
      const result = await resultOf(pool, ids)
      await survivor.stop('SIGKILL')
      return { wasKilled, result, requests: sink.requests(), inFlight }
    },
    violations: engine.violations,
  }
}

async function resultOf(pool: Pool, ids: readonly string[]): Promise<Result> {
  const all = await Promise.all(ids.map(id => findExecution(pool, id)))
  return {
    status: [...new Set(all.map(({ status }) => status))].join(' and '),
    output: all.map(({ output }) => output),
    nodes: all.flatMap(({ nodes }) => nodes.map(row => `${row.key} ${row.status} ${JSON.stringify(row.output)}`)),
  }
}

async function start(url: string, failpoint = ''): Promise<Running> {
  const daemon = spawn(url, { FAILPOINT: failpoint })
  await daemon.line(/is running/)
  return daemon
}

function spawn(url: string, env: Readonly<Record<string, string>>): Running {
  return startMbflow(['start', '--no-migrate'], {
    env: {
      DATABASE_URL: url,
      PORT: '0',
      LOG_LEVEL: 'warn',
      MBFLOW_LOG_FORMAT: 'json',
      MBFLOW_ALLOW_PRIVATE: '127.0.0.1',
      MBFLOW_POLL_INTERVAL: '100ms',
      MBFLOW_EXPRESSION_PROCESSES: '1',
      MBFLOW_POOLS: 'default,gpu',
      MBFLOW_SECRET_KEY: SIGNING_KEY,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      ...env,
    },
  })
}

async function arm(daemon: Running): Promise<void> {
  daemon.send('SIGUSR2')
  await daemon.line(/^armed/)
}

/** Whoever gets no answer calls again. */
async function callBack(daemon: Running, sink: Sink): Promise<void> {
  const token = sink.callbacks().at(-1)
  const origin = /http:\/\/\S+/.exec(await daemon.line(/HTTP {2}/).catch(() => ''))?.[0]
  if (token === undefined || origin === undefined) return
  await fetch(`${origin}/callbacks/${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ approved: true }),
  }).catch(() => {})
}

/** Makes the queue believe that whoever held a job has been silent for the whole of its lease. */
async function lapse(pool: Pool): Promise<void> {
  await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where state = 'active'`)
}

/** What is looked for in vain is looked for as often as it likes: of such places only the first is counted. */
function placesIn(stderr: string): Place[] {
  const counts = new Map<string, number>()
  const places = [...stderr.matchAll(/^reached (.+)$/gm)].map(([, name = '']) => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return `${name}:${count}` as Place
  })
  return places.filter(place => !/^(claim|open)\.before/.test(place) || place.endsWith(':1'))
}
