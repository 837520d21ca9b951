import { expect, test } from 'vitest'
import { createOutput } from '../../../src/cli/output.ts'
import { recorder } from './recorder.ts'

function outputs({ json = false, isTTY = false } = {}) {
  const stdout = recorder(isTTY)
  const stderr = recorder(isTTY)
  return { output: createOutput({ stdout: stdout.stream, stderr: stderr.stream, json }), stdout, stderr }
}

const columns = [{ title: 'ID', cell: (row: { id: number }) => String(row.id), style: () => 'red' as const }]

test('rows are a table for people', () => {
  const { output, stdout } = outputs()
  output.rows([{ id: 1 }, { id: 2 }], columns, 'none')
  expect(stdout.text()).toBe('ID\n1\n2\n')
})

test('with --json rows are one JSON array', () => {
  const { output, stdout } = outputs({ json: true })
  output.rows([{ id: 1 }], columns, 'none')
  expect(JSON.parse(stdout.text())).toEqual([{ id: 1 }])
})

test('no rows are a sentence on stderr for people', () => {
  const { output, stdout, stderr } = outputs()
  output.rows([], columns, 'there are none')
  expect([stdout.text(), stderr.text()]).toEqual(['', 'there are none\n'])
})

test('with --json no rows are an empty array', () => {
  const { output, stdout, stderr } = outputs({ json: true })
  output.rows([], columns, 'there are none')
  expect([JSON.parse(stdout.text()), stderr.text()]).toEqual([[], ''])
})

test('one thing is lines or an object', () => {
  const people = outputs()
  people.output.one({ id: 1 }, () => ['id 1', 'more'])
  const programs = outputs({ json: true })
  programs.output.one({ id: 1 }, () => ['id 1', 'more'])
  expect([people.stdout.text(), JSON.parse(programs.stdout.text())]).toEqual(['id 1\nmore\n', { id: 1 }])
})

test('with --json each thing of a sequence is one line', () => {
  const { output, stdout } = outputs({ json: true })
  output.next({ a: { b: 1 } }, () => '')
  output.next({ a: 2 }, () => '')
  expect(stdout.text()).toBe('{"a":{"b":1}}\n{"a":2}\n')
})

test('remarks go to stderr, and nowhere with --json', () => {
  const people = outputs()
  people.output.note('working')
  const programs = outputs({ json: true })
  programs.output.note('working')
  expect([people.stderr.text(), people.stdout.text(), programs.stderr.text()]).toEqual(['working\n', '', ''])
})

test('there are no colours without a terminal', () => {
  const { output, stdout } = outputs()
  output.rows([{ id: 1 }], columns, '')
  expect(stdout.text()).not.toContain('\u001b')
})

test('on a terminal the text of others is shown, not obeyed, and the colours are ours', () => {
  const { output, stdout } = outputs({ isTTY: true })
  const hostile = 'a\u001b[2J\u009b31m\u202eb'
  output.one({}, () => [`\u001b[1mbold\u001b[22m ${hostile}`])
  output.next({}, () => `one\ntwo ${hostile}`)
  const shown = 'a\\u001b[2J\\u009b31m\\u202eb'
  expect(stdout.text()).toBe(`\u001b[1mbold\u001b[22m ${shown}\none\ntwo ${shown}\n`)
})

test('on a terminal JSON stays what it says', () => {
  const { output, stdout } = outputs({ json: true, isTTY: true })
  output.one({ text: '\u001b[2J\u009b31m\u202eb' }, () => [])
  expect(stdout.text()).not.toMatch(/[\u0080-\u009f\u202e]/)
  expect(JSON.parse(stdout.text())).toEqual({ text: '\u001b[2J\u009b31m\u202eb' })
})

test('without a terminal texts stay what they are', () => {
  const { output, stdout } = outputs()
  output.one({}, () => ['a\u202eb'])
  expect(stdout.text()).toBe('a\u202eb\n')
})
