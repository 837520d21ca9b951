// How the text of a setting becomes a value. A kind refuses what it does not understand, in words that finish the sentence
// "MBFLOW_X …"; it never guesses and never falls back.
import { isAddressRange } from './address-ranges.ts'
import { DurationError, formatDuration, parseDuration } from './duration.ts'
import { type MasterKey, readMasterKeys } from './master-key.ts'
import { nearMiss } from './near-miss.ts'
import { DEFAULT_POOL, isPoolName, MOST_POOLS, POOL_RULE } from './pool-name.ts'

export interface Refusal {
  readonly refused: string
  readonly hint?: string
}

export interface Kind<T> {
  /** What stands for a value in the help of a command: `--port <number>`. */
  readonly name: string
  /** What may be written, for people: `whole number, 1 to 100`. */
  readonly form: string
  read(text: string): { readonly value: T } | Refusal
}

const quote = (text: string): string => JSON.stringify(text)

const notEmpty = (written: string) => (written === '' ? { refused: 'must not be empty' } : { value: written })

export const text: Kind<string> = { name: 'text', form: 'text', read: notEmpty }

export const path: Kind<string> = { name: 'path', form: 'path', read: notEmpty }

/** Paths without commas. */
export const paths: Kind<readonly string[]> = {
  name: 'list',
  form: 'list of paths',
  read(written) {
    const items = written === '' ? [] : splitList(written)
    return items.includes('')
      ? { refused: `must be a list of paths; one in ${quote(written)} is empty` }
      : { value: items }
  },
}

export function wholeNumber(least: number, most: number): Kind<number> {
  const form = `whole number, ${least} to ${most}`
  return {
    name: 'number',
    form,
    read(written) {
      const value = /^\d+$/.test(written) ? Number(written) : Number.NaN
      if (value >= least && value <= most) return { value }
      return { refused: `must be a ${form}, is ${quote(written)}` }
    },
  }
}

export function duration(least: string, most: string): Kind<number> {
  const form = `duration, ${least} to ${most}`
  return {
    name: 'duration',
    form,
    read(written) {
      try {
        const value = parseDuration(written)
        if (value >= parseDuration(least) && value <= parseDuration(most)) return { value }
        return { refused: `must be a ${form}, is ${formatDuration(value)}` }
      } catch (error) {
        if (!(error instanceof DurationError)) throw error
        return { refused: `must be a ${form}: ${error.message}` }
      }
    },
  }
}

export function oneOf<const Word extends string>(words: readonly Word[]): Kind<Word> {
  return {
    name: 'word',
    form: words.join(' | '),
    read(written) {
      const value = words.find(word => word === written)
      return value === undefined ? unknownWord(written, words) : { value }
    },
  }
}

export function someOf<const Word extends string>(words: readonly Word[]): Kind<readonly Word[]> {
  return {
    name: 'list',
    form: `some of ${words.join(', ')}`,
    read(written) {
      const items = splitList(written)
      const stranger = items.find(item => !words.some(word => word === item))
      if (stranger !== undefined) return unknownWord(stranger, words)
      return { value: words.filter(word => items.includes(word)) }
    },
  }
}

function unknownWord(written: string, words: readonly string[]): Refusal {
  const meant = nearMiss(written, words)
  const refused = `must be one of ${words.join(', ')}; is ${quote(written)}`
  return meant === undefined ? { refused } : { refused, hint: `did you mean ${meant}?` }
}

const splitList = (written: string): string[] => written.split(',').map(item => item.trim())

const HOST_NAME = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/i

/** `db.internal, 10.0.0.0/8, ::1` */
export const hosts = listOf(
  ['host names', 'addresses', 'CIDR ranges'],
  item => isAddressRange(item) || (HOST_NAME.test(item) && /[a-z]/i.test(item)),
  'write for example localhost,10.0.0.0/8; without scheme and port',
)

export const addresses = listOf(['addresses', 'CIDR ranges'], isAddressRange, 'write for example 127.0.0.1,10.0.0.0/8')

/** Empty text is an empty list. */
function listOf(what: readonly string[], isItem: (item: string) => boolean, hint: string): Kind<readonly string[]> {
  return {
    name: 'list',
    form: `list of ${what.join(', ')}`,
    read(written) {
      const items = written === '' ? [] : splitList(written)
      const wrong = items.find(item => !isItem(item))
      if (wrong === undefined) return { value: items }
      const any = `${what.slice(0, -1).join(', ')} or ${what.at(-1)}`
      return { refused: `must be a list of ${any}; ${quote(wrong)} is none of them`, hint }
    },
  }
}

export interface ServedPool {
  readonly name: string
  /** Attempts of its nodes at once; absent = as many as of any. */
  readonly concurrency?: number
}

const MOST_AT_ONCE = 10_000

/** `default, gpu=2` */
export const servedPools: Kind<readonly ServedPool[]> = {
  name: 'list',
  form: 'list of names, each perhaps with a number: gpu=2',
  read(written) {
    const pools: ServedPool[] = []
    for (const item of splitList(written)) {
      const [, name = '', number] = /^([^=]*)(?:=(.*))?$/.exec(item) ?? []
      const concurrency = number === undefined ? undefined : /^\d+$/.test(number) ? Number(number) : Number.NaN
      if (!isPoolName(name)) return { refused: `must be a list of pools; ${quote(item)} is none`, hint: POOL_RULE }
      if (pools.some(pool => pool.name === name)) return { refused: `names ${name} twice` }
      if (concurrency !== undefined && name === DEFAULT_POOL)
        return { refused: 'gives default a number', hint: 'that is what MBFLOW_NODE_CONCURRENCY says' }
      if (concurrency !== undefined && !(concurrency >= 1 && concurrency <= MOST_AT_ONCE))
        return { refused: `must have a whole number, 1 to ${MOST_AT_ONCE}, after ${name}=, is ${quote(item)}` }
      pools.push({ name, ...(concurrency !== undefined && { concurrency }) })
    }
    const count = pools.filter(({ name }) => name !== DEFAULT_POOL).length
    return count <= MOST_POOLS ? { value: pools } : { refused: `names ${count} pools; ${MOST_POOLS} are allowed` }
  },
}

/** Without a slash at its end. */
export const httpUrl: Kind<string> = {
  name: 'url',
  form: 'https://host/path',
  read(written) {
    const url = URL.canParse(written) ? new URL(written) : undefined
    const isPlain =
      url !== undefined && /^https?:$/.test(url.protocol) && `${url.search}${url.hash}${url.username}` === ''
    if (isPlain) return { value: url.href.replace(/\/$/, '') }
    return {
      refused: 'must be an http or https URL without user, query and fragment',
      hint: 'such as https://flows.example.com',
    }
  },
}

/** Its refusals never show what was written: it holds a password. */
export const databaseUrl: Kind<string> = {
  name: 'url',
  form: 'postgres://user:password@host:port/database',
  read(written) {
    if (/^postgres(ql)?:\/\//.test(written) && URL.canParse(written)) return { value: written }
    return {
      refused: 'must be a URL of the form postgres://user:password@host:port/database',
      hint: 'special characters in the password are written as %XX: @ as %40, # as %23, / as %2F, % as %25',
    }
  },
}

/** Its refusals never show what was written. */
export const masterKeys: Kind<readonly MasterKey[]> = {
  name: 'keys',
  form: '32 bytes in base64 or hex; of several such keys the newest first',
  read(written) {
    const value = readMasterKeys(written)
    if (value !== null) return { value }
    return {
      refused: 'must be 32 random bytes in base64 or hex, or several such keys, the newest first',
      hint: 'this makes one: openssl rand -base64 32',
    }
  },
}

/** A URL whose passwords are replaced by ***, also when it is too broken to parse. */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z\d+.-]*:\/\/[^:@/?]*):.*@/i, '$1:***@')
    .replace(/([?&](?:ssl)?password=)[^&#]*/gi, '$1***')
}
