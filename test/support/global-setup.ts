// Once per run: a server, and on it one migrated template that the database of every test file is a copy of.
import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { createLogger } from '../../src/base/log.ts'
import { migrateUp } from '../../src/db/migrate.ts'
import { installQueue } from '../../src/queue/queue.ts'
import { createDatabase, openServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    server: { readonly url: string; readonly template: string }
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = await createLogger({ level: 'warn', pretty: true })
  const template = `mbflow_test_${randomBytes(4).toString('hex')}`
  const begun = performance.now()
  const server = await openServer(template, log)
  try {
    const url = await createDatabase(server.url, template, 'template0')
    await migrateUp({ url, log, afterUp: () => installQueue(url, log) })
  } catch (error) {
    await server.stop()
    throw error
  }
  process.stdout.write(
    `Database for ${project.name}: ${server.source}, ready after ${((performance.now() - begun) / 1000).toFixed(1)} s\n`,
  )
  project.provide('server', { url: server.url, template })
  return () => server.stop()
}
