import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { describeConfig, type Environment, type Flags, loadConfig } from '../../../src/base/config.ts'
import { MbflowError, type Problem } from '../../../src/base/errors.ts'
import { logLevels } from '../../../src/base/log.ts'
import { settings } from '../../../src/base/settings.ts'

function problemsOf(env: Environment, flags: Flags = {}): readonly Problem[] {
  try {
    loadConfig(env, flags)
  } catch (error) {
    if (error instanceof MbflowError && error.code === 'CONFIG_INVALID') return error.problems
    throw error
  }
  return []
}

const folder = mkdtempSync(join(tmpdir(), 'mbflow-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

function secretFile(content: string): string {
  const file = join(folder, `secret-${++files}`)
  writeFileSync(file, content)
  return file
}

const URL_WITH_PASSWORD = 'postgres://anna:s3cret@db.internal:5433/flows'

test('an empty environment gives every default', () => {
  const { origins, ...values } = loadConfig({})
  expect(values).toEqual({
    databaseUrl: undefined,
    dataDir: undefined,
    masterKeys: undefined,
    pgBin: undefined,
    host: '127.0.0.1',
    port: 7377,
    acceptEvents: 'loopback',
    logLevel: 'info',
    logFormat: 'auto',
    roles: ['scheduler', 'worker', 'http'],
    plugin: [],
    pollInterval: 1_000,
    concurrency: 300,
    nodeConcurrency: 100,
    pools: [{ name: 'default' }],
    drainTimeout: 30_000,
    expressionProcesses: 2,
    allowPrivate: [],
    trustedProxies: [],
    forwardedHeader: 'x-forwarded-for',
    publicUrl: undefined,
    dbPoolSize: 12,
    secrets: new Map(),
  })
  expect(new Set(Object.values(origins).map(({ source }) => source))).toEqual(new Set(['default']))
})

test('the environment beats the default', () => {
  expect(loadConfig({ PORT: '8080' })).toMatchObject({ port: 8080, origins: { port: { source: 'env', name: 'PORT' } } })
})

test('a flag beats the environment', () => {
  expect(loadConfig({ PORT: '8080' }, { port: '9090' })).toMatchObject({
    port: 9090,
    origins: { port: { source: 'flag', name: '--port', text: '9090' } },
  })
})

test('an empty variable counts as absent', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: '', MBFLOW_NO_SUCH: '' })).toMatchObject({
    port: 7377,
    databaseUrl: undefined,
  })
})

test('durations, lists and words are read as such', () => {
  expect(
    loadConfig({
      MBFLOW_DRAIN_TIMEOUT: '1m30s',
      MBFLOW_ROLES: 'http, scheduler',
      LOG_LEVEL: 'debug',
      MBFLOW_ALLOW_PRIVATE: 'localhost, 10.0.0.0/8,::1',
    }),
  ).toMatchObject({
    drainTimeout: 90_000,
    roles: ['scheduler', 'http'],
    logLevel: 'debug',
    allowPrivate: ['localhost', '10.0.0.0/8', '::1'],
  })
})

test('every log level can be set', () => {
  expect(settings.logLevel.kind.form).toBe(logLevels.join(' | '))
})

test('all problems are reported at once', () => {
  expect(
    problemsOf({ MBFLOW_CONCURENCY: '3', MBFLOW_CONCURRENCY: 'abc', PORT: '99999', DATABASE_URL: 'mysql://x' }),
  ).toMatchObject([
    { path: 'MBFLOW_CONCURENCY' },
    { path: 'DATABASE_URL' },
    { path: 'PORT' },
    { path: 'MBFLOW_CONCURRENCY' },
  ])
})

test('a misspelt variable is an error that names the setting that was meant', () => {
  expect(problemsOf({ MBFLOW_CONCURENCY: '3' })).toEqual([
    { path: 'MBFLOW_CONCURENCY', message: 'is not a setting', hint: 'did you mean MBFLOW_CONCURRENCY?' },
  ])
})

test('a setting that goes without the prefix is found with it', () => {
  expect(problemsOf({ MBFLOW_PORT: '80', MBFLOW_DATABASE_URL: 'x' }).map(({ hint }) => hint)).toEqual([
    'did you mean PORT?',
    'did you mean DATABASE_URL?',
  ])
})

test('the service variables of Kubernetes are not mistaken for settings', () => {
  expect(
    problemsOf({
      MBFLOW_SERVICE_HOST: '10.0.0.1',
      MBFLOW_SERVICE_PORT_HTTP: '7377',
      MBFLOW_PORT: 'tcp://10.0.0.1:7377',
      MBFLOW_PORT_7377_TCP: 'tcp://10.0.0.1:7377',
      MBFLOW_PORT_7377_TCP_ADDR: '10.0.0.1',
      MBFLOW_POSTGRES_PORT: 'tcp://10.0.0.2:5432',
    }),
  ).toEqual([])
})

test.each<[Environment, string]>([
  [{ MBFLOW_CONCURRENCY: 'abc' }, 'must be a whole number, 1 to 10000, is "abc"'],
  [{ MBFLOW_CONCURRENCY: '1.5' }, 'must be a whole number, 1 to 10000, is "1.5"'],
  [{ MBFLOW_CONCURRENCY: '0' }, 'must be a whole number, 1 to 10000, is "0"'],
  [{ PORT: '99999' }, 'must be a whole number, 0 to 65535, is "99999"'],
  [{ PORT: '-1' }, 'must be a whole number, 0 to 65535, is "-1"'],
  [{ PORT: ' 80' }, 'must be a whole number, 0 to 65535, is " 80"'],
  [{ PORT: '0x50' }, 'must be a whole number, 0 to 65535, is "0x50"'],
  [{ MBFLOW_POLL_INTERVAL: '1ms' }, 'must be a duration, 100ms to 1m, is 1ms'],
  [
    { MBFLOW_POLL_INTERVAL: '5' },
    'must be a duration, 100ms to 1m: "5" is not a duration: it has no unit; write 5s for seconds, 5m for minutes',
  ],
  [{ MBFLOW_LOG_FORMAT: 'xml' }, 'must be one of auto, json, pretty; is "xml"'],
  [{ MBFLOW_ROLES: 'http,' }, 'must be one of scheduler, worker, http; is ""'],
])('%o is refused', (env, message) => {
  expect(problemsOf(env)).toMatchObject([{ path: Object.keys(env)[0], message }])
})

test('pools are names, and perhaps how many attempts of each', () => {
  expect(loadConfig({ MBFLOW_POOLS: 'gpu=2, slow,default' }).pools).toEqual([
    { name: 'gpu', concurrency: 2 },
    { name: 'slow' },
    { name: 'default' },
  ])
})

test.each([
  ['GPU', 'must be a list of pools; "GPU" is none'],
  ['', 'must be a list of pools; "" is none'],
  ['gpu,', 'must be a list of pools; "" is none'],
  ['gpu,gpu=2', 'names gpu twice'],
  ['default=5', 'gives default a number'],
  ['gpu=0', 'must have a whole number, 1 to 10000, after gpu=, is "gpu=0"'],
  ['gpu=two', 'must have a whole number, 1 to 10000, after gpu=, is "gpu=two"'],
  ['default,a,b,c,d,e,f,g,h,i', 'names 9 pools; 8 are allowed'],
])('as pools, %j is refused', (pools, message) => {
  const [problem] = pools === '' ? problemsOf({}, { pools }) : problemsOf({ MBFLOW_POOLS: pools })
  expect(problem).toMatchObject({ message })
})

test.each(['http://localhost', 'localhost:8080', '10.0.0.0/33', '10.0.0', '::1/129', 'a b', '1.2.3.4/8/9'])(
  '%s is not a host that could be allowed',
  host => {
    expect(problemsOf({ MBFLOW_ALLOW_PRIVATE: host })).toHaveLength(1)
  },
)

test('trusted proxies are addresses and ranges, not names', () => {
  expect(loadConfig({ MBFLOW_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies).toEqual(['10.0.0.0/8', '::1'])
  expect(problemsOf({ MBFLOW_TRUSTED_PROXIES: '10.0.0.1,proxy.internal' })).toMatchObject([
    { path: 'MBFLOW_TRUSTED_PROXIES', message: expect.stringContaining('"proxy.internal" is none of them') },
  ])
})

test('a public URL may have a path, and loses the slash at its end', () => {
  expect(loadConfig({ MBFLOW_PUBLIC_URL: 'https://flows.example.com/a/' }).publicUrl).toBe(
    'https://flows.example.com/a',
  )
})

test.each([
  'flows.example.com',
  'ftp://a.example',
  'https://a.example/?b',
  'https://a.example/#b',
  'https://u:p@a.example',
])('%s is not a public URL', url => {
  expect(problemsOf({ MBFLOW_PUBLIC_URL: url })).toHaveLength(1)
})

test('a misspelt word leads to the right one', () => {
  expect(problemsOf({ MBFLOW_ROLES: 'worker,sheduler' })).toMatchObject([{ hint: 'did you mean scheduler?' }])
})

test('an empty flag is refused, not defaulted', () => {
  expect(problemsOf({}, { host: '', databaseUrl: '' })).toMatchObject([{ path: '--database-url' }, { path: '--host' }])
})

test.each(['anna:s3cret@host/db', 'postgres://anna:s3#cret@host:port/db', 'https://anna:s3cret@host/'])(
  'a wrong database URL is refused without showing its password',
  url => {
    const [problem] = problemsOf({ DATABASE_URL: url })
    expect(problem).toMatchObject({ path: 'DATABASE_URL' })
    expect(JSON.stringify(problem)).not.toContain('s3')
  },
)

test('a secret is read from the file that its _FILE variable names', () => {
  expect(loadConfig({ DATABASE_URL_FILE: secretFile(`${URL_WITH_PASSWORD}\n`) })).toMatchObject({
    databaseUrl: URL_WITH_PASSWORD,
    origins: { databaseUrl: { source: 'file', name: 'DATABASE_URL_FILE' } },
  })
})

test('an empty secret file is a problem', () => {
  expect(problemsOf({ DATABASE_URL_FILE: secretFile('\n') })).toMatchObject([{ path: 'DATABASE_URL_FILE' }])
})

test('a secret file that cannot be read is a problem', () => {
  const [problem] = problemsOf({ DATABASE_URL_FILE: '/nonexistent/secret' })
  expect(problem?.message).toMatch(/cannot be read: .*ENOENT/)
})

test('a secret given both ways is a problem', () => {
  expect(problemsOf({ DATABASE_URL: URL_WITH_PASSWORD, DATABASE_URL_FILE: secretFile('x') })).toEqual([
    { path: 'DATABASE_URL_FILE', message: 'is set beside DATABASE_URL; keep one of the two' },
  ])
})

test('the secrets of workflows come from variables of their own, or from files', () => {
  const env = { MBFLOW_SECRET_OPENAI: 'sk-12345678', MBFLOW_SECRET_CRM_FILE: secretFile('crm-12345678\n') }
  const { secrets, origins } = loadConfig(env)
  expect(secrets).toEqual(
    new Map([
      ['MBFLOW_SECRET_OPENAI', 'sk-12345678'],
      ['MBFLOW_SECRET_CRM', 'crm-12345678'],
    ]),
  )
  expect(JSON.stringify(origins)).not.toContain('12345678')
})

test.each<[string, Environment, string]>([
  ['too short', { MBFLOW_SECRET_A: '1234567' }, 'must have at least 8 characters'],
  ['too short in its file', { MBFLOW_SECRET_A_FILE: secretFile('1234567') }, 'must have at least 8 characters'],
  ['given both ways', { MBFLOW_SECRET_A: '12345678', MBFLOW_SECRET_A_FILE: '/x' }, 'is set beside MBFLOW_SECRET_A'],
  ['in a file that is not there', { MBFLOW_SECRET_A_FILE: '/nonexistent/secret' }, 'the file cannot be read'],
])('a secret of workflows that is %s is a problem, and is not shown', (_, env, message) => {
  const problems = problemsOf(env)
  expect(problems).toMatchObject([{ path: Object.keys(env).at(-1), message: expect.stringContaining(message) }])
  expect(JSON.stringify(problems)).not.toContain('1234567')
})

test('only secrets have a _FILE variable', () => {
  expect(problemsOf({ MBFLOW_HOST_FILE: '/etc/hostname' })).toMatchObject([{ path: 'MBFLOW_HOST_FILE' }])
})

test.each([
  ['postgres://anna:s3cret@host/db', 'postgres://anna:***@host/db'],
  ['postgres://anna:s3:c@ret@host/db', 'postgres://anna:***@host/db'],
  ['postgres://anna@host/db?password=s3cret&sslmode=require', 'postgres://anna@host/db?password=***&sslmode=require'],
  ['postgres://anna@host:5432/db', 'postgres://anna@host:5432/db'],
  ['postgres://host/db', 'postgres://host/db'],
])('%s is described as %s', (url, masked) => {
  const [described] = describeConfig(loadConfig({ DATABASE_URL: url }))
  expect(described).toMatchObject({ setting: 'databaseUrl', value: masked, source: 'env', name: 'DATABASE_URL' })
})

test('a setting without a value is described by what happens instead', () => {
  const [described] = describeConfig(loadConfig({}))
  expect(described).toMatchObject({ value: null, default: 'an embedded PostgreSQL', source: 'default' })
})
