import { expect, test } from 'vitest'
import { type Column, renderTable } from '../../../src/cli/table.ts'
import { displayWidth } from '../../../src/cli/text.ts'

interface Row {
  readonly name: string
  readonly count: number
  readonly note: string
}

const name: Column<Row> = { title: 'NAME', cell: row => row.name }
const count: Column<Row> = { title: 'COUNT', cell: row => String(row.count), align: 'right' }
const note: Column<Row> = { title: 'NOTE', cell: row => row.note }
const rows: Row[] = [
  { name: 'a', count: 7, note: 'short' },
  { name: 'long name', count: 12_345, note: 'a note that goes on and on' },
]

const plain = (_: string, text: string): string => text
const render = (columns: Column<Row>[], width?: number): string[] => renderTable(rows, columns, { width, style: plain })

test('columns are as wide as their content', () => {
  expect(render([name, count, note])).toEqual([
    'NAME       COUNT  NOTE',
    'a              7  short',
    'long name  12345  a note that goes on and on',
  ])
})

test('without a terminal nothing is cut', () => {
  expect(
    render([
      { ...name, least: 2 },
      { ...note, least: 2 },
    ])[2],
  ).toBe('long name  a note that goes on and on')
})

test('on a narrow terminal the columns that may be cut are cut to fit it', () => {
  expect(render([name, count, { ...note, least: 6 }], 30)).toEqual([
    'NAME       COUNT  NOTE',
    'a              7  short',
    'long name  12345  a note that…',
  ])
})

test('of several columns that may be cut the short ones stay whole', () => {
  expect(
    render(
      [
        { ...name, least: 3 },
        { ...note, least: 3 },
      ],
      23,
    )[2],
  ).toBe('long name  a note that…')
})

test('when cutting is not enough, the least important column leaves and the table says so', () => {
  expect(render([name, { ...count, leaves: 1 }, { ...note, least: 10, leaves: 2 }], 20)).toEqual([
    'NAME       COUNT',
    'a              7',
    'long name  12345',
    'not shown for want of room: NOTE; see --json',
  ])
})

test('a column that neither may be cut nor leave is shown whole whatever the width', () => {
  expect(render([name], 3)).toEqual(['NAME', 'a', 'long name'])
})

test('wide characters and emoji keep the columns straight', () => {
  const wide = [
    { name: '日本語', count: 1, note: '|' },
    { name: '👩‍👩‍👧‍👦 team', count: 1, note: '|' },
    { name: 'plain', count: 1, note: '|' },
  ]
  const [, ...body] = renderTable(wide, [name, note], { style: plain })
  expect(new Set(body.map(displayWidth)).size).toBe(1)
})

test('a cell stays on its line', () => {
  const [, line] = renderTable([{ name: 'two\nlines', count: 1, note: '' }], [name], { style: plain })
  expect(line).toBe('two\\nlines')
})

test('style colours the text but not the blanks around it', () => {
  const marked = renderTable(rows, [{ ...name, style: () => 'red' }, note], {
    style: (how, text) => `<${how} ${text}>`,
  })
  expect(marked[1]).toBe('<red a>          short')
})

test('lines have no blanks at their end', () => {
  expect(render([note, name]).filter(line => /\s$/.test(line))).toEqual([])
})
