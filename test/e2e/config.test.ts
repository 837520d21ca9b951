import { expect, test } from 'vitest'
import { runMbflow } from '../support/processes.ts'

test.each([
  ['MBFLOW_CONCURENCY', '3', 'did you mean MBFLOW_CONCURRENCY?'],
  ['MBFLOW_CONCURRENCY', 'abc', 'must be a whole number'],
  ['PORT', '99999', 'must be a whole number, 0 to 65535'],
  ['DATABASE_URL', 'mysql://localhost', 'must be a URL of the form postgres://'],
  ['DATABASE_URL_FILE', '/nonexistent', 'cannot be read'],
])('%s=%s exits with 78 and says what is wrong', async (name, value, message) => {
  const { code, stdout, stderr } = await runMbflow(['config'], { env: { [name]: value } })
  expect([code, stdout]).toEqual([78, ''])
  expect(stderr).toContain(`  ${name}: `)
  expect(stderr).toContain(message)
})
