// docs/documents.md says what the schemas say, and every document of every page is one that apply takes.
import { expect, test } from 'vitest'
import { check } from '../../../src/trigger/apply-files.ts'
import { CalendarDocument } from '../../../src/trigger/calendar-document.ts'
import { triggerTypes } from '../../../src/trigger/registry.ts'
import { schedulePolicies } from '../../../src/trigger/schedule-policy.ts'
import { commonPolicies } from '../../../src/trigger/trigger.ts'
import { DocumentForm } from '../../../src/workflow/form.ts'
import { readPage, readPages } from './pages.ts'

interface Schema {
  readonly properties?: { readonly [field: string]: Schema }
  readonly required?: readonly string[]
  readonly default?: unknown
}

const page = readPage('docs/documents.md')
const { nodes, edges, triggers } = DocumentForm.properties

interface Described {
  readonly heading: string
  readonly schema: unknown
  /** Which of the tables under the heading. */
  readonly table?: number
}

const described: readonly Described[] = [
  { heading: 'The document', schema: DocumentForm },
  { heading: 'Nodes', schema: nodes.items },
  { heading: 'Edges', schema: edges.items },
  { heading: 'Triggers', schema: triggers.items },
  { heading: 'Triggers', table: 1, schema: { properties: commonPolicies } },
  { heading: 'Triggers', table: 2, schema: { properties: schedulePolicies } },
  { heading: 'Calendars', schema: CalendarDocument },
  ...[...triggerTypes.values()].map(type => ({ heading: type.type, schema: type.configSchema })),
]

test.each(described)('the section $heading names every field and no other, with its default', given => {
  const { heading, schema, table = 0 } = given
  const rows = page.tables.filter(one => one.heading === heading)[table]?.rows ?? []
  const documented = rows.map(([field = '', , fallback = '']) => ({ field: field.replaceAll('`', ''), fallback }))
  const fields = fieldsOf(schema as Schema, new Set(documented.map(({ field }) => field)))
  expect(documented.map(({ field }) => field).sort()).toEqual(fields.map(({ field }) => field).sort())
  for (const { field, shown } of fields) {
    const { fallback } = documented.find(one => one.field === field) ?? {}
    if (shown !== undefined) expect([field, fallback]).toEqual([field, shown])
    else expect(fallback).not.toBe('required')
  }
})

interface Field {
  readonly field: string
  /** What its row must show as the default, if that is fixed. */
  readonly shown: string | undefined
}

/** The fields of a schema, those within objects by their path; an object that has a row of its own stands for its fields. */
function fieldsOf({ properties = {}, required = [] }: Schema, rows: ReadonlySet<string>, prefix = ''): Field[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const field = `${prefix}${name}`
    if (schema.properties !== undefined && !rows.has(field)) return fieldsOf(schema, rows, `${field}.`)
    if (required.includes(name)) return [{ field, shown: 'required' }]
    const { default: fallback } = schema
    const text = typeof fallback === 'string' ? fallback : JSON.stringify(fallback)
    return [{ field, shown: fallback === undefined ? undefined : `\`${text}\`` }]
  })
}

test.each([...triggerTypes.keys()])('the type %s has a section', type => {
  expect(page.headings).toContain(type)
})

const documents = readPages().flatMap(({ blocks }) => blocks.filter(({ info }) => info === 'yaml'))

test('there are documents to examine', () => {
  expect(documents.length).toBeGreaterThan(8)
})

test.each(documents)('$at: the document is valid', ({ text }) => {
  const { workflows, problems } = check(text)
  expect(problems).toEqual([])
  expect(workflows).toHaveLength(1)
})

test('every document has a name of its own', () => {
  const names = documents.flatMap(({ text }) => check(text).workflows.map(({ name }) => name))
  expect(names).toEqual([...new Set(names)])
})
