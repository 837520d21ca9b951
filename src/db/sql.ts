// The `sql` tag: every statement has a stable name (`slice.verb`), sent as a leading comment and as its prepared
// statement's name, so that pg_stat_statements and slow logs lead to a file. Values are only ever parameters; dynamic
// parts are nested fragments, never concatenated text.
import { createHash } from 'node:crypto'

export interface Statement {
  /** Name of the prepared statement. */
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

class Fragment {
  readonly strings: TemplateStringsArray
  readonly values: readonly unknown[]
  constructor(strings: TemplateStringsArray, values: readonly unknown[]) {
    this.strings = strings
    this.values = values
  }
}
export type { Fragment }

/** A piece of SQL to be nested in a statement; it has no name of its own. */
export function part(strings: TemplateStringsArray, ...values: unknown[]): Fragment {
  return new Fragment(strings, values)
}

const texts = new WeakMap<TemplateStringsArray, string>()

/** ``sql('trigger.claim')`select … where id = ${id}` `` */
export function sql(name: string): (strings: TemplateStringsArray, ...values: unknown[]) => Statement {
  return (strings, ...values) => {
    if (!values.some(value => value instanceof Fragment)) {
      let text = texts.get(strings)
      if (text === undefined) {
        text = `/* ${name} */ ${strings.reduce((sum, piece, i) => (i === 0 ? piece : `${sum}$${i}${piece}`), '').trim()}`
        texts.set(strings, text)
      }
      return { name, text, values }
    }
    const flat: unknown[] = []
    const text = `/* ${name} */ ${write(strings, values, flat).trim()}`
    // One name, one text: a statement with fragments has a name per shape.
    return { name: `${name}:${createHash('sha1').update(text).digest('hex').slice(0, 8)}`, text, values: flat }
  }
}

function write(strings: readonly string[], values: readonly unknown[], flat: unknown[]): string {
  let text = strings[0] ?? ''
  values.forEach((value, i) => {
    text += value instanceof Fragment ? write(value.strings, value.values, flat) : `$${flat.push(value)}`
    text += strings[i + 1] ?? ''
  })
  return text
}

/** Joins fragments, e.g. `and` between filters; the empty list gives `fallback`. */
export function join(fragments: readonly Fragment[], separator: 'and' | ',', fallback: Fragment): Fragment {
  const [first, ...rest] = fragments
  if (first === undefined) return fallback
  const glue = separator === 'and' ? (a: Fragment, b: Fragment) => part`${a} and ${b}` : (a: Fragment, b: Fragment) => part`${a}, ${b}`
  return rest.reduce(glue, first)
}
