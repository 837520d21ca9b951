// Every setting there is: one table, from which the configuration, its errors, the flags of commands and the table in
// docs/config.md follow. Defaults are written as a user would write them and are read by the same rules.
import type { LogLevel } from './log.ts'
import {
  addresses,
  databaseUrl,
  duration,
  hosts,
  httpUrl,
  type Kind,
  maskUrl,
  masterKeys,
  oneOf,
  path,
  paths,
  servedPools,
  someOf,
  text,
  wholeNumber,
} from './setting-kinds.ts'

export interface Setting<T> {
  /** The environment variable. */
  readonly env: string
  readonly kind: Kind<T>
  /** The default as text (empty: an empty list), or, where there is none, what happens without the setting. */
  readonly fallback: { readonly text: string } | { readonly instead: string }
  /** One sentence: what it decides. */
  readonly doc: string
  /** Makes a secret's text fit to be shown. A secret may also come from the file named by `<env>_FILE`. */
  readonly mask?: (text: string) => string
  /** It has no flag: what stands in a command line is seen by everybody on the machine. */
  readonly unflagged?: true
}

type Described = Omit<Setting<never>, 'kind' | 'fallback'>

function setting<T>(kind: Kind<T>, fallback: string, described: Described): Setting<T> {
  return { kind, fallback: { text: fallback }, ...described }
}

/** A setting that may stay absent; `instead` says what happens then. */
function optional<T>(kind: Kind<T>, instead: string, described: Described): Setting<T | undefined> {
  return { kind, fallback: { instead }, ...described }
}

export const settings = {
  databaseUrl: optional(databaseUrl, 'an embedded PostgreSQL', {
    env: 'DATABASE_URL',
    doc: 'The PostgreSQL database that holds everything.',
    mask: maskUrl,
  }),
  dataDir: optional(path, "the user's data directory", {
    env: 'MBFLOW_DATA_DIR',
    doc: 'Where the embedded PostgreSQL keeps its data.',
  }),
  masterKeys: optional(masterKeys, 'a file in the data directory of the embedded PostgreSQL', {
    env: 'MBFLOW_MASTER_KEY',
    doc: 'What seals and opens the secrets in the database.',
    mask: () => '***',
    unflagged: true,
  }),
  pgBin: optional(path, 'the packaged PostgreSQL, else the one on the PATH', {
    env: 'MBFLOW_PG_BIN',
    doc: 'The directory of the `postgres` and `initdb` programs that the embedded PostgreSQL is run with.',
  }),
  host: setting(text, '127.0.0.1', {
    env: 'MBFLOW_HOST',
    doc: 'The address the HTTP server listens on; `0.0.0.0` or `::` for all.',
  }),
  port: setting(wholeNumber(0, 65_535), '7377', {
    env: 'PORT',
    doc: 'The port the HTTP server listens on; 0 takes any free one.',
  }),
  acceptEvents: setting(oneOf(['loopback', 'anyone']), 'loopback', {
    env: 'MBFLOW_ACCEPT_EVENTS',
    doc: 'Whose events `POST /api/v1/events` takes: only of this machine, or of anyone who reaches the daemon.',
  }),
  logLevel: setting(oneOf<LogLevel>(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']), 'info', {
    env: 'LOG_LEVEL',
    doc: 'The least severe log lines that are written.',
  }),
  logFormat: setting(oneOf(['auto', 'json', 'pretty']), 'auto', {
    env: 'MBFLOW_LOG_FORMAT',
    doc: 'JSON lines or readable ones; `auto` is readable on a terminal.',
  }),
  roles: setting(someOf(['scheduler', 'worker', 'http']), 'scheduler,worker,http', {
    env: 'MBFLOW_ROLES',
    doc: 'What this daemon does: fire triggers, run executions, serve HTTP.',
  }),
  pollInterval: setting(duration('100ms', '1m'), '1s', {
    env: 'MBFLOW_POLL_INTERVAL',
    doc: 'The longest time between two looks for due triggers and waiting executions.',
  }),
  concurrency: setting(wholeNumber(1, 10_000), '300', {
    env: 'MBFLOW_CONCURRENCY',
    doc: 'Executions one daemon holds at once, without those of pools.',
  }),
  nodeConcurrency: setting(wholeNumber(1, 10_000), '100', {
    env: 'MBFLOW_NODE_CONCURRENCY',
    doc: 'Node attempts one daemon runs at once.',
  }),
  pools: setting(servedPools, 'default', {
    env: 'MBFLOW_POOLS',
    doc: 'The pools of nodes this worker serves, and how many attempts of each it runs at once.',
  }),
  drainTimeout: setting(duration('0s', '1h'), '30s', {
    env: 'MBFLOW_DRAIN_TIMEOUT',
    doc: 'How long a stopping daemon lets running nodes and requests end before it hands their executions back.',
  }),
  expressionProcesses: setting(wholeNumber(1, 64), '2', {
    env: 'MBFLOW_EXPRESSION_PROCESSES',
    doc: 'Processes in which one daemon evaluates expressions.',
  }),
  allowPrivate: setting(hosts, '', {
    env: 'MBFLOW_ALLOW_PRIVATE',
    doc: 'Private, loopback and link-local hosts that nodes may send requests to all the same.',
  }),
  trustedProxies: setting(addresses, '', {
    env: 'MBFLOW_TRUSTED_PROXIES',
    doc: 'The proxies in front of the HTTP server, whose word counts for the address a request comes from.',
  }),
  forwardedHeader: setting(oneOf(['x-forwarded-for', 'forwarded']), 'x-forwarded-for', {
    env: 'MBFLOW_FORWARDED_HEADER',
    doc: 'The one header in which trusted proxies write it.',
  }),
  publicUrl: optional(httpUrl, 'the address it listens on', {
    env: 'MBFLOW_PUBLIC_URL',
    doc: 'Where the HTTP server is reached from outside; what URLs of hooks and callbacks begin with.',
  }),
  dbPoolSize: setting(wholeNumber(4, 1_000), '12', {
    env: 'MBFLOW_DB_POOL_SIZE',
    doc: 'Pooled database connections one daemon opens at most; one more listens for notifications.',
  }),
  plugin: setting(paths, '', {
    env: 'MBFLOW_PLUGINS',
    doc: 'Files that export node types of your own.',
  }),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof settings
export type Settings = { readonly [K in SettingKey]: (typeof settings)[K] extends Setting<infer T> ? T : never }

export const settingKeys = Object.keys(settings) as SettingKey[]

/** What holds without the setting, in words. */
export function defaultOf({ fallback }: Setting<unknown>): string {
  if ('instead' in fallback) return fallback.instead
  return fallback.text === '' ? 'none' : fallback.text
}

/** The command-line flag of a setting: `--poll-interval`; null if it has none. */
export function flagOf(key: SettingKey): string | null {
  const { unflagged }: Setting<unknown> = settings[key]
  if (unflagged) return null
  return `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}
