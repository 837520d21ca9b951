// LISTEN on one channel. A notification is a hint that shortens a wait; every wait has a poll behind it, so a lost
// notification or a pooler that cannot LISTEN costs latency, never work. After each (re)connect every subscriber is
// woken once, for what was missed.
import pg from 'pg'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import type { Db } from './pool.ts'
import { sql } from './sql.ts'

/**
 * The words that travel on the channel. `commands`: something was asked of an execution that a worker holds. `triggers`:
 * one was edited, or it, or a limit, has room again.
 */
export type Topic = 'commands' | 'events' | 'jobs' | 'secrets' | 'triggers'

const CHANNEL = 'mbflow'
const RECONNECT_MS = 1_000

export interface Listener extends Service {
  on(topic: Topic, wake: () => void): void
}

/** Tells every process about `topic` when the transaction commits. Notifications make commits queue up: at most one per transaction. */
export async function notify(db: Db, topic: Topic): Promise<void> {
  await db.rows(sql('db.notify')`select pg_notify(${CHANNEL}, ${topic})`)
}

/** Tells other daemons: once more, at the most, after a word that is still on its way, however often it is called. */
export function createTeller({ pool, topic, log }: { pool: Db; topic: Topic; log: Logger }): () => void {
  let isTelling = false
  let again = false
  const tell = (): void => {
    again = isTelling
    if (isTelling) return
    isTelling = true
    notify(pool, topic)
      .catch(error => log.debug({ evt: 'db.untold', err: error, topic }, 'other daemons find out at their next look'))
      .finally(() => {
        isTelling = false
        if (again) tell()
      })
  }
  return tell
}

export function createListener({
  url,
  log,
  clock = systemClock,
}: {
  url: string
  log: Logger
  clock?: Clock
}): Listener {
  const subscribers = new Map<string, Set<() => void>>()
  const stopping = new AbortController()
  let client: pg.Client | undefined
  let running: Promise<void> | undefined

  const wakeAll = (): void => {
    for (const wakes of subscribers.values()) for (const wake of wakes) wake()
  }

  async function listen(): Promise<void> {
    const connection = new pg.Client({
      connectionString: url,
      application_name: 'mbflow:listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    })
    const closed = new Promise<void>(resolve => connection.once('end', resolve))
    // The driver tells of it twice: why the server closed the connection, and that it is closed.
    let isLost = false
    connection.on('error', error => {
      if (!isLost) log.warn({ evt: 'db.listener_lost', err: error }, 'the listening connection was lost')
      isLost = true
    })
    connection.on('notification', ({ payload = '' }) => {
      for (const wake of subscribers.get(payload) ?? []) wake()
    })
    client = connection
    try {
      await connection.connect()
      await connection.query(`listen ${CHANNEL}`)
      wakeAll()
      await closed
    } catch (error) {
      log.warn({ evt: 'db.listen_failed', err: error }, 'could not listen; polling goes on')
      await connection.end().catch(() => {})
    }
  }

  return {
    name: 'listener',
    on(topic, wake) {
      const wakes = subscribers.get(topic) ?? new Set()
      subscribers.set(topic, wakes.add(wake))
    },
    async start() {
      running ??= (async () => {
        while (!stopping.signal.aborted) {
          await listen()
          await clock.sleep(RECONNECT_MS, stopping.signal)
        }
      })()
    },
    async stop() {
      stopping.abort()
      await client?.end().catch(() => {})
      await running
    },
  }
}
