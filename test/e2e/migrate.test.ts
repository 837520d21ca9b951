// `bin/migrate` with the command lines of the migrations README; only the URL is the test's.
import { expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { type Ended, startProcess } from '../support/processes.ts'

async function shell(
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended & { stdout: string; stderr: string }> {
  const running = startProcess('sh', ['-c', line], { env })
  return { ...(await running.ended), stdout: running.stdout(), stderr: running.stderr() }
}

const readme = (url: string, command: string): string => `./bin/migrate -database-url "${url}" -command ${command}`

test('up, status, down and reset take the database from a flag', async () => {
  const { url, pool } = await createTestDatabase({ empty: true })
  expect(await shell(readme(url, 'up'))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^applied 001_init_schema \(/),
    stderr: '',
  })
  expect(await shell(readme(url, 'status'))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^001_init_schema +applied +\d/m),
  })
  expect(await shell(readme(url, 'down'))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^rolled back \d{3}_/),
  })
  expect(await shell(readme(url, 'reset'))).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') })
  await expect(pool.executeSql('select from workflows')).resolves.toBeDefined()
})

test('or from the environment', async () => {
  const { url } = await createTestDatabase()
  expect(await shell('./bin/migrate -command up', { DATABASE_URL: url })).toEqual({
    code: 0,
    signal: null,
    stdout: 'Nothing to apply: the database is up to date.\n',
    stderr: '',
  })
})
