// A database of its own for a test file: a copy of the migrated template, or an empty one. It ends with the server.
import { randomBytes } from 'node:crypto'
import { afterAll, inject } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { createPool, type Pool } from '../../src/db/pool.ts'
import { createDatabase } from './server.ts'

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Ended after the last test of the file. */
  readonly pool: Pool
}

const pools: Pool[] = []
afterAll(async () => {
  await Promise.all(pools.map(pool => pool.end()))
})

/** `empty`: without the schema, as an installation is before its first migration. */
export async function createTestDatabase({ empty = false }: { empty?: boolean } = {}): Promise<TestDatabase> {
  const { url: server, template } = inject('server')
  const name = `${template}_${randomBytes(4).toString('hex')}`
  const url = await createDatabase(server, name, empty ? 'template0' : template)
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 10, log: silentLogger })
  pools.push(pool)
  return { name, url, pool }
}
