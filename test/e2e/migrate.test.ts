// `bin/migrate` as the migrations README runs it, and `mbflow migrate`.
import { describe, expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { type Ended, runMbflow, startProcess } from '../support/processes.ts'

interface Result extends Ended {
  readonly stdout: string
  readonly stderr: string
}

/** A line of the README in a shell, for the database of the test. */
async function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const running = startProcess('sh', ['-c', line], { env })
  return { ...(await running.ended), stdout: running.stdout(), stderr: running.stderr() }
}

describe('the lines of the README', () => {
  const flag = (url: string, command: string): Promise<Result> =>
    shell(
      `./bin/migrate -database-url "postgres://user:pass@localhost:5432/mbflow" -command ${command}`.replace(
        'postgres://user:pass@localhost:5432/mbflow',
        url,
      ),
    )

  test('run all pending migrations, show them, roll the last one back', async () => {
    const { url } = await createTestDatabase({ empty: true })

    const up = await flag(url, 'up')
    expect([up.code, up.stderr]).toEqual([0, ''])
    expect(up.stdout).toMatch(/^applied 001_init_schema \(\d+ms\)\n(applied .*\n)+$/)
    expect(await flag(url, 'up')).toMatchObject({ code: 0, stdout: 'Nothing to apply: the database is up to date.\n' })

    const { stdout } = await flag(url, 'status')
    expect(stdout).toMatch(/^001_init_schema +applied +\d{4}-\d{2}-\d{2}T\S+Z \(.* ago|now\)$/m)
    expect(stdout).toMatch(/^queue \(pg-boss\): schema version \d+$/m)

    expect(await flag(url, 'down')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^rolled back 003_trigger_ledger \(/),
    })
    expect((await flag(url, 'status')).stdout).toMatch(/^003_trigger_ledger +pending$/m)
  })

  test('take the database from the environment', async () => {
    const { url } = await createTestDatabase()
    expect(await shell('./bin/migrate -command up', { DATABASE_URL: url })).toMatchObject({
      code: 0,
      stdout: 'Nothing to apply: the database is up to date.\n',
    })
  })

  test('reset only after a confirmation', async () => {
    const { url, pool } = await createTestDatabase()
    expect(await flag(url, 'reset')).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') })
    await expect(pool.executeSql('select from workflows')).resolves.toBeDefined()
    expect(await flag(url, 'reset -yes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/rolled back 001_init_schema/),
    })
    await expect(pool.executeSql('select from workflows')).rejects.toMatchObject({ code: '42P01' })
  })
})

describe('mbflow migrate', () => {
  test('says the same to programs', async () => {
    const { url } = await createTestDatabase()
    const { stdout } = await runMbflow(['migrate', 'status', '--json'], { env: { DATABASE_URL: url } })
    expect(JSON.parse(stdout)).toEqual({
      migrations: expect.arrayContaining([
        { name: '001_init_schema', state: 'applied', applied_at: expect.any(String), duration_ms: expect.any(Number) },
      ]),
      queue_version: expect.any(Number),
    })
  })

  test('status --check fails while something is pending', async () => {
    const { url } = await createTestDatabase()
    const check = (): Promise<Result> => runMbflow(['migrate', 'status', '--check'], { env: { DATABASE_URL: url } })
    expect(await check()).toMatchObject({ code: 0 })
    await runMbflow(['migrate', 'down'], { env: { DATABASE_URL: url } })
    expect(await check()).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('003_trigger_ledger'),
      stderr: 'error: pending: 003_trigger_ledger\nhint: Run: mbflow migrate up\n',
    })
  })

  test('without a command prints its help and exits with 2', async () => {
    expect(await runMbflow(['migrate'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Usage: mbflow migrate/),
    })
  })

  test.each([
    [['migrate', 'sideways'], 2, /migrate has no command "sideways"\nhint: There are: up, down, status, reset/],
    [['migrate', 'down', '0'], 2, /must be 1 or more, is "0"/],
    [['migrate', 'up', '--yes'], 2, /unknown option '--yes'/],
    [
      ['migrate', 'up', '--database-url', 'postgres://a:s3cret@127.0.0.1:1/b'],
      69,
      /does not answer.*ECONNREFUSED.*\nhint: /,
    ],
    [['migrate', 'up', '--database-url', 'mysql://a:s3cret@b/c'], 78, /postgres:\/\/user:password@host:port\/database/],
    [
      ['migrate', 'reset', '--yes', '--database-url', 'postgres://a:s3cret@db.example.com/b'],
      1,
      /db\.example\.com is not this machine\nhint: With --force/,
    ],
  ])('%j exits with %i', async (args, code, says) => {
    const ended = await runMbflow(args)
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(says) })
    expect(ended.stderr).not.toContain('s3cret')
  })

  test('a wrong password exits with 78', async () => {
    const { url } = await createTestDatabase({ empty: true })
    const wrong = Object.assign(new URL(url), { password: 's3cret' }).href
    const { code, stderr } = await runMbflow(['migrate', 'status'], { env: { DATABASE_URL: wrong } })
    expect([code, stderr]).toEqual([78, expect.stringMatching(/^error: .* refused the login: .*\nhint: .*\n$/)])
    expect(stderr).not.toContain('s3cret')
  })

  test('a database newer than the program exits with 78', async () => {
    const { url, pool } = await createTestDatabase()
    await pool.executeSql(`insert into schema_migrations (name, checksum, duration_ms) values ('999_later', 'x', 1)`)
    const { code, stderr } = await runMbflow(['migrate', 'up'], { env: { DATABASE_URL: url } })
    expect([code, stderr]).toEqual([78, expect.stringMatching(/999_later\nhint: Upgrade mbflow/)])
  })
})
