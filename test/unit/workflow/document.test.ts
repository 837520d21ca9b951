import { expect, test } from 'vitest'
import { parseDocuments } from '../../../src/workflow/document.ts'

const rawOf = (text: string): unknown[] => {
  const { documents, problems } = parseDocuments(text)
  expect(problems).toEqual([])
  return documents.map(document => document.raw)
}

test('YAML is read as what it says', () => {
  expect(rawOf('name: a\nnodes:\n  - { key: x, type: http }\n')).toEqual([
    { name: 'a', nodes: [{ key: 'x', type: 'http' }] },
  ])
})

test('JSON is read as the YAML it is, tabs and all', () => {
  expect(rawOf('{\n\t"name": "a",\n\t"nodes": [\n\t\t1\n\t]\n}')).toEqual([{ name: 'a', nodes: [1] }])
})

test('a text may hold several documents; empty ones count for nothing', () => {
  expect(rawOf('# two\nname: a\n---\n---\nname: b\n---\n# the end\n')).toEqual([{ name: 'a' }, { name: 'b' }])
})

test('"on" is a word, also for a text that asks for YAML 1.1', () => {
  expect(rawOf('%YAML 1.1\n---\non: yes\n')).toEqual([{ on: 'yes' }])
})

test('anchors and merge keys repeat what was written before', () => {
  expect(rawOf('a: &once { x: 1 }\nb: *once\nc: { <<: *once, y: 2 }\n')).toEqual([
    { a: { x: 1 }, b: { x: 1 }, c: { x: 1, y: 2 } },
  ])
})

test('keys that look like numbers or booleans are text', () => {
  expect(rawOf('404: a\ntrue: b\n')).toEqual([{ '404': 'a', true: 'b' }])
})

const bomb = Array.from(
  { length: 9 },
  (_, i) =>
    `a${i}: &a${i} [${
      i === 0
        ? 'x'
        : Array(9)
            .fill(`*a${i - 1}`)
            .join()
    }]`,
)

test.each([
  ['a duplicate key', 'name: a\nnodes: []\nname: b\n', '3:1 the key name is there twice'],
  ['a duplicate key in JSON', '{"a": 1, "a": 2}', '1:10 the key a is there twice'],
  ['a number and a text that are the same key', '1: a\n"1": b\n', '2:1 the key 1 is there twice'],
  ['a tab as indentation', 'a:\n\tb: 1\n', '2:1 this line is indented with a tab'],
  ['an unquoted template', 'name: a\nurl: {{ vars.x }}\n', '2:7 a value that begins with {{ must stand in quotes'],
  [
    'an unquoted template in a list',
    'a:\n  - {{ vars.x }}/b\n',
    '2:6 a value that begins with {{ must stand in quotes',
  ],
  ['a second colon', 'name: a: b\n', '1:7 a second ": " in one line'],
  [
    'a list that does not end',
    'a: [1, 2\nb: 3\n',
    '2:1 Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['a quote that does not end', 'a: "b\n', '2:1 Missing closing "quote'],
  ['a list as a key', '? [a]\n: b\n', '1:3 keys must be text'],
  ['a tag', 'a: !secret x\n', '1:4 Unresolved tag'],
  ['a tag YAML knows', 'a: !!binary aGk=\n', '1:4 Unresolved tag'],
  ['an alias without an anchor', 'a: *nothing\n', '1:4 the alias *nothing has no anchor before it'],
  ['an alias of what it stands in', 'a: &x [*x]\n', '1:8 the alias *x stands inside of what it repeats'],
  ['aliases that multiply', bomb.join('\n'), '1:1 its aliases repeat too much'],
  [
    'a whole number JSON readers would change',
    'a:\n  b: 12345678901234567890\n',
    '2:6 the number 12345678901234567890 is too large to be exact',
  ],
  ['brackets without end', '['.repeat(5_000), 'is nested too deeply'],
  ['nothing', '', '1:1 holds no workflow'],
  ['only a comment', '# soon\n', '1:1 holds no workflow'],
  ['more than a mebibyte', `a: ${'é'.repeat(524_288)}`, '1:1 has 1048579 bytes, more than the limit of 1048576'],
])('%s is a problem with its place', (_, text, problem) => {
  const { documents, problems } = parseDocuments(text)
  expect(documents).toEqual([])
  expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
    expect.stringContaining(problem),
  ])
})

test('what one document has wrong does not hide the others', () => {
  const { documents, problems } = parseDocuments('a: 1\n---\nb: 1\nb: 2\n---\nc: *no\n---\nd: 1\n')
  expect(documents.map(document => document.raw)).toEqual([{ a: 1 }, { d: 1 }])
  expect(problems.map(problem => problem.line)).toEqual([4, 6])
})

const text = `# a comment
name: first
---
name: second
nodes:
  - key: fetch
    config: &shared
      url: "https://example.org"
      headers: { "X-A b": 1 }
  - key: again
    config: *shared
`

test.each([
  ['', '4:1'],
  ['name', '4:1'],
  ['nodes[0]', '6:5'],
  ['nodes[0].config.url', '8:7'],
  ['nodes[0].config.headers["X-A b"]', '9:18'],
  ['nodes[1].config', '11:5'],
  ['nodes[1].config.url', '8:7'],
  ['nodes[1].type', '10:5'],
  ['nodes[7].key', '5:1'],
  ['edges', '4:1'],
])('the path "%s" is found at %s, where what it names is written or would be', (path, place) => {
  const [, second] = parseDocuments(text).documents
  const placed = second?.place({ path, message: 'is wrong' })
  expect(`${placed?.line}:${placed?.column} ${placed?.path} ${placed?.message}`).toBe(`${place} ${path} is wrong`)
})

test('a file that is no document is not printed whole', () => {
  const { problems } = parseDocuments(`a: b\n${'\u0001\u00e9'.repeat(50_000)}\n`)
  expect(problems.map(problem => problem.message.length <= 200)).toEqual([true])
})
