// docs/executions.md lists what `execution verify` proves.
import { expect, test } from 'vitest'
import { invariants } from '../../../src/verify/invariant-store.ts'
import { readPage } from './pages.ts'

test('every promise that is verified is listed', () => {
  const listed = readPage('docs/executions.md').tables.find(({ heading }) => heading === 'Verify')
  expect(listed?.rows.map(([name = '']) => name.replaceAll('`', ''))).toEqual([
    ...invariants.map(({ name }) => name),
    'undone_before_end',
    'tables_equal_fold',
  ])
})
