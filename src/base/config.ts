// The effective configuration, and the only reader of the process's environment. Invariants:
// 1. A flag beats the environment, the environment beats the default; an empty variable counts as absent.
// 2. Nothing is silently defaulted: an unknown MBFLOW_ variable or a value that cannot be read is an error, and all of
//    them are reported at once.
// 3. What a secret's setting shows of itself (`origins`, errors) is masked; its value is only in its own field.
// 4. Secrets of workflows (`MBFLOW_SECRET_<NAME>`, or a file named by `MBFLOW_SECRET_<NAME>_FILE`) are only in `secrets`.
import { readFileSync } from 'node:fs'
import { MbflowError, messageOf, type Problem } from './errors.ts'
import { nearMiss } from './near-miss.ts'
import { MIN_SECRET_LENGTH } from './secrets.ts'
import { defaultOf, flagOf, type Setting, type SettingKey, type Settings, settingKeys, settings } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export type Flags = { readonly [K in SettingKey]?: string | undefined }

/** Where a value comes from. */
export interface Origin {
  readonly source: 'flag' | 'env' | 'file' | 'default'
  /** The flag or variable that was read, or for a default the variable that would change it. */
  readonly name: string
  /** The value as it was written, secrets masked; absent if there is none. */
  readonly text?: string
}

export interface Config extends Settings {
  /** By the variable that holds it: `MBFLOW_SECRET_OPENAI`. */
  readonly secrets: ReadonlyMap<string, string>
  readonly origins: Readonly<Record<SettingKey, Origin>>
}

export function environment(): Environment {
  return process.env
}

/** Throws CONFIG_INVALID with every problem there is. */
export function loadConfig(env: Environment, flags: Flags = {}): Config {
  const problems = unknownVariables(env)
  const values: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const key of settingKeys) {
    const setting: Setting<unknown> = settings[key]
    const found = find(key, env, flags)
    if ('problem' in found) {
      problems.push(found.problem)
      continue
    }
    const { written, ...origin } = found
    const reading = written === undefined ? { value: undefined } : setting.kind.read(written)
    if ('refused' in reading) {
      const { refused: message, hint } = reading
      problems.push({ path: origin.name, message, ...(hint !== undefined && { hint }) })
      continue
    }
    values[key] = reading.value
    origins[key] = origin
  }
  const secrets = readSecrets(env, problems)
  if (problems.length > 0) {
    throw new MbflowError('CONFIG_INVALID', 'the configuration is wrong', {
      problems,
      hint: 'docs/config.md describes every setting',
    })
  }
  // Each value was read by the kind its type comes from.
  return { ...values, secrets, origins } as unknown as Config
}

type Found = (Origin & { readonly written: string | undefined }) | { readonly problem: Problem }

function find(key: SettingKey, env: Environment, flags: Flags): Found {
  const { env: name, mask, fallback }: Setting<unknown> = settings[key]
  const show = (written: string): string => (mask ? mask(written) : written)
  if (flags[key] !== undefined)
    return { source: 'flag', name: flagOf(key) ?? name, written: flags[key], text: show(flags[key]) }
  if (mask && env[`${name}_FILE`]) return readSecret(name, env, show)
  if (env[name]) return { source: 'env', name, written: env[name], text: show(env[name]) }
  if ('instead' in fallback) return { source: 'default', name, written: undefined }
  return { source: 'default', name, written: fallback.text, text: fallback.text }
}

function readSecret(variable: string, env: Environment, show: (written: string) => string): Found {
  const name = `${variable}_FILE`
  const path = env[name] ?? ''
  if (env[variable]) return { problem: { path: name, message: `is set beside ${variable}; keep one of the two` } }
  try {
    const written = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '')
    if (written === '') return { problem: { path: name, message: `the file ${path} is empty` } }
    return { source: 'file', name, written, text: show(written) }
  } catch (error) {
    return { problem: { path: name, message: `the file cannot be read: ${messageOf(error)}` } }
  }
}

const SECRET = /^(MBFLOW_SECRET_[A-Z][A-Z0-9_]*?)(_FILE)?$/

function readSecrets(env: Environment, problems: Problem[]): Map<string, string> {
  const variables = Object.keys(env).flatMap(name => (env[name] ? (SECRET.exec(name)?.[1] ?? []) : []))
  const secrets = new Map<string, string>()
  for (const variable of new Set(variables)) {
    const found = env[`${variable}_FILE`]
      ? readSecret(variable, env, () => '***')
      : { name: variable, written: env[variable] }
    if ('problem' in found) {
      problems.push(found.problem)
      continue
    }
    const { name, written = '' } = found
    if (written.length >= MIN_SECRET_LENGTH) secrets.set(variable, written)
    else problems.push({ path: name, message: `must have at least ${MIN_SECRET_LENGTH} characters` })
  }
  return secrets
}

const PREFIX = 'MBFLOW_'

/** What Kubernetes puts into every pod for each service whose name starts with `mbflow`; never meant for us. */
const isServiceLink = (name: string, value: string): boolean =>
  /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
  (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))

function unknownVariables(env: Environment): Problem[] {
  const known = settingKeys.flatMap(key => {
    const { env: name, mask }: Setting<unknown> = settings[key]
    return mask ? [name, `${name}_FILE`] : [name]
  })
  // Compared without the prefix, so that MBFLOW_PORT leads to PORT.
  const bare = new Map(known.map(name => [name.replace(PREFIX, ''), name]))
  return Object.entries(env).flatMap(([name, value]) => {
    if (!name.startsWith(PREFIX) || known.includes(name) || !value) return []
    if (SECRET.test(name) || isServiceLink(name, value)) return []
    const meant = nearMiss(name.slice(PREFIX.length), bare.keys())
    const hint =
      meant === undefined
        ? 'variables that start with MBFLOW_ are reserved; remove it'
        : `did you mean ${bare.get(meant)}?`
    return [{ path: name, message: 'is not a setting', hint }]
  })
}

/** One setting as `mbflow config` shows it. */
export interface DescribedSetting {
  readonly setting: SettingKey
  /** As it was written, secrets masked; null if the setting is absent. */
  readonly value: string | null
  readonly source: Origin['source']
  /** The variable or flag the value comes from, or from which it could. */
  readonly name: string
  readonly default: string
  readonly env: string
  /** Null if there is none. */
  readonly flag: string | null
  readonly form: string
  readonly doc: string
}

/** The effective configuration, in the order of the table. */
export function describeConfig({ origins }: Config): DescribedSetting[] {
  return settingKeys.map(key => {
    const setting: Setting<unknown> = settings[key]
    const { source, name, text = null } = origins[key]
    const { env, kind, doc } = setting
    return {
      setting: key,
      value: text,
      source,
      name,
      default: defaultOf(setting),
      env,
      flag: flagOf(key),
      form: kind.form,
      doc,
    }
  })
}
