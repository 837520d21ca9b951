import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { startTemporary } from '../../src/db/embedded.ts'
import { type Running, startProcess } from '../support/processes.ts'
import { query } from './embedded-folder.ts'

const whereabouts = async (url: string): Promise<string> => {
  const [row] = await query<{ folder: string }>(url, `select current_setting('data_directory') as folder`)
  return row?.folder ?? ''
}

test('a temporary server takes 300 connections, and nothing of it stays when it is stopped', async () => {
  const server = await startTemporary({ log: silentLogger })
  expect(await query(server.url, `select current_setting('max_connections') as most`)).toEqual([{ most: '300' }])
  const folder = await whereabouts(server.url)
  expect(existsSync(folder)).toBe(true)
  await server.stop()
  expect(existsSync(join(folder, '..'))).toBe(false)
})

const owner = (then: string): Running =>
  startProcess(process.execPath, [
    '-e',
    `import { createServer } from 'node:net'
    import { startTemporary } from '${import.meta.resolve('../../src/db/embedded.ts')}'
    import { silentLogger } from '${import.meta.resolve('../../src/base/log.ts')}'
    console.log('using', (await startTemporary({ log: silentLogger })).url)
    ${then}`,
  ])

test('a temporary server and its data end with a process that is killed', async () => {
  const killed = owner('createServer().listen(0)')
  const url = (await killed.line(/^using /)).replace('using ', '')
  const folder = await whereabouts(url)
  await killed.stop('SIGKILL')
  await expect.poll(() => existsSync(join(folder, '..')), { timeout: 20_000 }).toBe(false)
  await expect(query(url, 'select 1')).rejects.toThrow(/ENOENT|ECONNREFUSED/)
})

test('a temporary server does not keep its process from ending', async () => {
  expect(await owner('').ended).toEqual({ code: 0, signal: null })
})
