import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createHealth } from '../../../src/http/health.ts'

const fine = async (): Promise<undefined> => undefined

test('a process is ready when every check passes', async () => {
  expect(await createHealth({ database: fine, triggers: fine }, systemClock).ready()).toEqual({
    ready: true,
    checks: { database: 'ok', triggers: 'ok' },
  })
})

test('one check that finds something wrong makes it not ready and says what', async () => {
  const health = createHealth({ database: fine, daemon: async () => 'stopping' }, systemClock)
  expect(await health.ready()).toEqual({ ready: false, checks: { database: 'ok', daemon: 'stopping' } })
})

test('a check that throws is wrong with its message', async () => {
  const broken = async (): Promise<never> => {
    throw new Error('no connection')
  }
  expect(await createHealth({ database: broken }, systemClock).ready()).toEqual({
    ready: false,
    checks: { database: 'no connection' },
  })
})

test('a check that does not answer is wrong after the deadline', async () => {
  const hurried = { ...systemClock, sleep: async () => {} }
  const silent = (): Promise<undefined> => new Promise(() => {})
  expect(await createHealth({ database: silent }, hurried).ready()).toEqual({
    ready: false,
    checks: { database: 'no answer within 3s' },
  })
})
