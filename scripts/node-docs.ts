// What node types say of themselves, as Markdown. Each type has a section in docs/nodes.md; what stands there between the two
// marks is made of its definition, the rest is written by hand. A type without a section gets one, at the end.
import type { NodeType } from '../src/node/node-type.ts'

/** The page with the sections of these types brought up to date. */
export function withNodeDocs(page: string, types: Iterable<NodeType>): string {
  let written = page.trimEnd()
  for (const type of types) {
    const [begin, end] = [`<!-- ${type.type}, by its definition -->`, '<!-- end -->']
    const block = `${begin}\n${describeType(type)}\n${end}`
    const from = written.indexOf(begin)
    const to = from === -1 ? -1 : written.indexOf(end, from)
    if (to === -1) written += `\n\n## ${type.type}\n\n${block}`
    else written = written.slice(0, from) + block + written.slice(to + end.length)
  }
  return `${written}\n`
}

function describeType(type: NodeType): string {
  const { summary, configSchema, expressions, names = [], secrets = [] } = type
  const rows = fieldsOf(configSchema as Schema, { expressions }).map(
    ({ field, value, fallback, meaning }) => `| \`${field}\` | ${value} | ${fallback} | ${inCell(meaning)} |`,
  )
  const facts = [
    ...(names.length > 0 ? [`Its expressions also see ${list(names)}.`] : []),
    ...(secrets.length > 0 ? [`[Secrets](secrets.md) may be inserted in ${list(secrets)}.`] : []),
    ...(type.branches ? ['Edges out of it may name a `branch`.'] : []),
    ...(type.pure ? ['An attempt changes nothing outside.'] : []),
  ]
  const table = ['| field | value | default | meaning |', '|---|---|---|---|', ...rows]
  return [summary, ...table, facts.join(' ')].reduce((text, line) => {
    const joined = text.endsWith('|') && line.startsWith('|')
    return `${text}${joined ? '\n' : '\n\n'}${line}`
  })
}

/** The parts of a schema that are told. */
interface Schema {
  readonly type?: string
  /** What is written there, in words, where the type does not say it. */
  readonly form?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: { readonly [field: string]: Schema }
  readonly required?: readonly string[]
}

interface Field {
  readonly field: string
  readonly value: string
  readonly fallback: string
  readonly meaning: string
}

function fieldsOf(schema: Schema, { expressions = [] }: { expressions?: readonly string[] }, prefix = ''): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const field = `${prefix}${name}`
    const row = {
      field,
      value: expressions.includes(name) ? 'expression' : wordsFor(property),
      fallback: schema.required?.includes(name) ? 'required' : fallbackOf(property),
      meaning: property.description ?? '',
    }
    return [row, ...fieldsWithin(property, field)]
  })
}

/** Those of an object, of the objects in a list, and of the kinds of objects one may choose from. */
function fieldsWithin(schema: Schema, path: string): Field[] {
  if (schema.properties !== undefined) return fieldsOf(schema, {}, `${path}.`)
  if (schema.items?.properties !== undefined) return fieldsOf(schema.items, {}, `${path}[].`)
  const kinds = (schema.anyOf ?? []).filter(kind => kind.properties !== undefined)
  const all = kinds.flatMap(kind => fieldsOf(kind, {}, `${path}.`).map(field => ({ ...field, kind: kindOf(kind) })))
  return [...Map.groupBy(all, ({ field, meaning }) => `${field} ${meaning}`).values()].flatMap(same => {
    const [first] = same
    if (first === undefined) return []
    const value = [...new Set(same.map(one => one.value))].join(', ')
    if (same.length === kinds.length) return [{ ...first, value }]
    return [{ ...first, value, meaning: `With ${same.map(one => one.kind).join(', ')}. ${first.meaning}`.trim() }]
  })
}

/** The word that tells a kind of object from the others. */
function kindOf({ properties = {} }: Schema): string {
  const word = Object.values(properties).find(property => property.const !== undefined)?.const
  return word === undefined ? 'some' : code(word)
}

function wordsFor(schema: Schema): string {
  const { form, type, enum: choices, const: only, anyOf, items, minimum, maximum } = schema
  if (form !== undefined) return form
  if (only !== undefined) return code(only)
  if (choices !== undefined) return list(choices)
  if (anyOf !== undefined) return [...new Set(anyOf.map(wordsFor))].join(' or ')
  if (type === 'array')
    return items === undefined ? 'list' : `list of ${wordsFor(items).replace(/^(object|text)$/, '$1s')}`
  if (type === 'integer' || type === 'number')
    return numbers(type === 'integer' ? 'whole number' : 'number', minimum, maximum)
  if (type === 'boolean') return '`true`, `false`'
  return { string: 'text', object: 'object' }[type ?? ''] ?? 'anything'
}

function numbers(noun: string, minimum: number | undefined, maximum: number | undefined): string {
  const [least, most] = [minimum, maximum].map(bound => bound?.toLocaleString('en-US'))
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  if (least !== undefined) return `${noun} from ${least}`
  return most === undefined ? noun : `${noun} up to ${most}`
}

function fallbackOf({ default: fallback }: Schema): string {
  return fallback === undefined ? '' : code(fallback)
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function list(values: readonly unknown[]): string {
  return values.map(code).join(', ')
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
