import { expect, test } from 'vitest'
import { normaliseFlags } from '../../../src/cli/migrate.ts'

const words = (line: string): string[] => (line === '' ? [] : line.split(' '))

test.each([
  ['migrate -database-url URL -command up', 'migrate up --database-url URL'],
  ['migrate -command down', 'migrate down'],
  ['migrate --command status --json', 'migrate status --json'],
  ['migrate -command=reset -yes', 'migrate reset --yes'],
  ['migrate --database-url=URL --command=up', 'migrate up --database-url=URL'],
  ['migrate -yes -command reset', 'migrate reset --yes'],
  ['--json migrate -command status', '--json migrate status'],
  ['migrate down 2 -database-url URL', 'migrate down 2 --database-url URL'],
])('%s is %s', (written, ours) => {
  expect(normaliseFlags(words(written))).toEqual(words(ours))
})

test.each([
  '',
  'migrate',
  'migrate up --database-url URL',
  'migrate -h',
  'migrate -command',
  'workflow show migrate -command up',
  'trigger fire -input {}',
])('"%s" keeps its words', line => {
  const written = words(line)
  expect(normaliseFlags(written).map(word => word.replace(/^--?/, ''))).toEqual(
    written.map(word => word.replace(/^--?/, '')),
  )
})

test('values are never rewritten', () => {
  expect(normaliseFlags(['migrate', '-database-url', 'postgres://a:-b@c/d', '-command', 'up'])).toEqual([
    'migrate',
    'up',
    '--database-url',
    'postgres://a:-b@c/d',
  ])
})
