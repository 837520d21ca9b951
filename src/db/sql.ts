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

interface Written {
  readonly name: string
  readonly text: string
}

/** Statements whose shape never varies: without fragments, or with fragments that hold no values (column lists). */
const written = new WeakMap<TemplateStringsArray, Written>()

/** ``sql('trigger.claim')`select … where id = ${id}` `` */
export function sql(name: string): (strings: TemplateStringsArray, ...values: unknown[]) => Statement {
  return (strings, ...values) => {
    const isFixed = !values.some(value => value instanceof Fragment && !isConstant(value))
    const known = isFixed ? written.get(strings) : undefined
    if (known !== undefined) return { ...known, values: values.filter(value => !(value instanceof Fragment)) }
    const flat: unknown[] = []
    const text = `/* ${name} */ ${write(strings, values, flat).trim()}`
    if (isFixed) written.set(strings, { name, text })
    // One name, one text: a statement whose shape varies has a name per shape.
    return {
      name: isFixed ? name : `${name}:${createHash('sha1').update(text).digest('hex').slice(0, 8)}`,
      text,
      values: flat,
    }
  }
}

/** Constants are made once, at the head of a file; a statement always nests the same ones. */
function isConstant(fragment: Fragment): boolean {
  return fragment.values.length === 0 && constants.has(fragment)
}
const constants = new WeakSet<Fragment>()

/** A piece of SQL without values that never varies, such as a list of columns. */
export function constant(strings: TemplateStringsArray): Fragment {
  const fragment = new Fragment(strings, [])
  constants.add(fragment)
  return fragment
}

function write(strings: readonly string[], values: readonly unknown[], flat: unknown[]): string {
  let text = strings[0] ?? ''
  values.forEach((value, i) => {
    text += value instanceof Fragment ? write(value.strings, value.values, flat) : `$${flat.push(value)}`
    text += strings[i + 1] ?? ''
  })
  return text
}
