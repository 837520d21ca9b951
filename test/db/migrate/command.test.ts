// `mbflow migrate …`: what is printed, and what it exits with.
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { run } from '../../../src/cli/cli.ts'
import { createInterruption } from '../../../src/cli/interruption.ts'
import { createTestDatabase } from '../../support/database.ts'
import { recorder } from '../../unit/cli/recorder.ts'
import { LAST, OWN } from './folder.ts'

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `answer`: what somebody at a terminal types. */
async function migrate(url: string, args: readonly string[], answer?: string): Promise<Result> {
  const [stdout, stderr] = [recorder(), recorder()]
  const stdin = Object.assign(new PassThrough(), { isTTY: answer !== undefined })
  if (answer !== undefined) stdin.write(`${answer}\n`)
  const io = { env: { DATABASE_URL: url }, stdin, interruption: createInterruption() }
  const code = await run(['migrate', ...args], { ...io, stdout: stdout.stream, stderr: stderr.stream })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

const NOWHERE = 'postgres://ann:s3cret@127.0.0.1:1/flows'

test('up says what it applied, and that nothing is left', async () => {
  const { url } = await createTestDatabase({ empty: true })
  const { code, stdout } = await migrate(url, ['up'])
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`^${OWN.map(name => `applied ${name} \\(\\d+ms\\)\n`).join('')}$`))
  expect(await migrate(url, ['up'])).toEqual({
    code: 0,
    stdout: 'Nothing to apply: the database is up to date.\n',
    stderr: '',
  })
})

test('up --to a migration that is there does not claim that nothing is pending', async () => {
  const { url } = await createTestDatabase({ empty: true })
  await migrate(url, ['up', '--to', '001'])
  expect((await migrate(url, ['up', '--to', '001'])).stdout).toBe(
    'Nothing to apply: the database has 001 and all before it.\n',
  )
})

test('up installs the queue', async () => {
  const { url } = await createTestDatabase({ empty: true })
  await migrate(url, ['up'])
  expect((await migrate(url, ['status'])).stdout).toMatch(/^queue \(pg-boss\): schema version \d+$/m)
})

test('status names each file, its state and when it was applied', async () => {
  const { url } = await createTestDatabase()
  await migrate(url, ['down'])
  const { code, stdout } = await migrate(url, ['status'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^001_init_schema +applied +\d{4}-\d{2}-\d{2}T\S+Z \(.*\)$/m)
  expect(stdout).toMatch(new RegExp(`^${LAST} +pending$`, 'm'))
})

test('status --json is for programs', async () => {
  const { url } = await createTestDatabase()
  const { stdout } = await migrate(url, ['status', '--json'])
  expect(JSON.parse(stdout)).toEqual({
    migrations: expect.arrayContaining([
      { name: '001_init_schema', state: 'applied', applied_at: expect.any(String), duration_ms: expect.any(Number) },
    ]),
    queue_version: expect.any(Number),
  })
})

test('status --check fails unless the database is up to date', async () => {
  const { url } = await createTestDatabase()
  expect(await migrate(url, ['status', '--check'])).toMatchObject({ code: 0, stderr: '' })
  await migrate(url, ['down'])
  expect(await migrate(url, ['status', '--check'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(LAST),
    stderr: `error: pending: ${LAST}\nhint: Run: mbflow migrate up\n`,
  })
})

test('down takes a number of migrations', async () => {
  const { url } = await createTestDatabase()
  expect((await migrate(url, ['down', '2'])).stdout).toMatch(
    new RegExp(`^rolled back ${LAST} .*\nrolled back ${OWN.at(-2)} .*\n$`),
  )
})

// With --force, as the server of a container engine may have an address that is not this machine's.
describe('reset', () => {
  test('asks, and does nothing without a yes', async () => {
    const { url, name } = await createTestDatabase()
    const { code, stderr } = await migrate(url, ['reset', '--force'], 'n')
    expect([code, stderr]).toEqual([1, expect.stringContaining(`database "${name}" at`)])
    expect(await migrate(url, ['status', '--check'])).toMatchObject({ code: 0 })
  })

  test('drops everything after a yes', async () => {
    const { url, pool } = await createTestDatabase()
    const { code, stdout } = await migrate(url, ['reset', '--force'], 'yes')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^rolled back ${LAST}.*\n(.*\n)+Nothing of mbflow is left in database `)),
    ])
    await expect(pool.executeSql('select from workflows')).rejects.toMatchObject({ code: '42P01' })
  })

  test('is refused where nobody can be asked', async () => {
    const { url } = await createTestDatabase()
    expect(await migrate(url, ['reset', '--force'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--yes'),
    })
    expect(await migrate(url, ['status', '--check'])).toMatchObject({ code: 0 })
  })

  test('is refused for another machine without --force', async () => {
    const remote = 'postgres://ann:s3cret@db.invalid/flows'
    expect(await migrate(remote, ['reset', '--yes'])).toMatchObject({
      code: 1,
      stderr: 'error: not reset: db.invalid is not this machine\nhint: With --force it is done all the same.\n',
    })
    expect(await migrate(remote, ['reset', '--yes', '--force'])).toMatchObject({ code: 69 })
  })
})

test.each([
  [['sideways'], 2, /^error: migrate has no command "sideways"\nhint: There are: up, down, status, reset\n$/],
  [[], 2, /^Usage: mbflow migrate/],
  [['down', '0'], 2, /must be 1 or more, is "0"/],
  [['down', '1.5'], 2, /must be 1 or more, is "1\.5"/],
  [['up', '--to', '009'], 69, /does not answer/],
  [['up', '--yes'], 2, /unknown option '--yes'/],
  [['status', 'now'], 2, /too many arguments/],
  [['status', '--database-url', 'mysql://a:s3cret@b/c'], 78, /postgres:\/\/user:password@host:port\/database/],
])('%j exits with %i', async (args, code, says) => {
  const result = await migrate(NOWHERE, args)
  expect(result).toEqual({ code, stdout: '', stderr: expect.stringMatching(says) })
  expect(result.stderr).not.toContain('s3cret')
})

test('an unreachable server is one line and a hint, exit 69', async () => {
  const { code, stderr } = await migrate(NOWHERE, ['up'])
  expect([code, stderr]).toEqual([
    69,
    expect.stringMatching(/^error: .* does not answer: .*ECONNREFUSED.*\nhint: .*\n$/),
  ])
})

test('a wrong password is one line and a hint, exit 78', async () => {
  const { url } = await createTestDatabase({ empty: true })
  const { code, stderr } = await migrate(Object.assign(new URL(url), { password: 's3cret' }).href, ['status'])
  expect([code, stderr]).toEqual([78, expect.stringMatching(/^error: .* refused the login: .*\nhint: .*\n$/)])
  expect(stderr).not.toContain('s3cret')
})

test('a newer database is one line and a hint, exit 78', async () => {
  const { url, pool } = await createTestDatabase()
  await pool.executeSql(`insert into schema_migrations (name, checksum, duration_ms) values ('999_later', 'x', 1)`)
  expect(await migrate(url, ['up'])).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^error: .*999_later\nhint: Upgrade .*\n$/),
  })
})
