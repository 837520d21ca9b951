import { expect, test } from 'vitest'
import { createLimit } from '../../../src/base/limit.ts'

test('those of higher priority go first, and of one priority who came first', async () => {
  const limit = createLimit(1)
  const order: string[] = []
  const enter = (name: string, priority?: number): Promise<void> =>
    limit.run(async () => void order.push(name), priority)
  await Promise.all([
    enter('first'),
    enter('low', -1),
    enter('usual'),
    enter('high', 5),
    enter('another as usual', 0),
    enter('another high', 5),
  ])
  expect(order).toEqual(['first', 'high', 'another high', 'usual', 'another as usual', 'low'])
})

test('what throws gives its place back', async () => {
  const limit = createLimit(1)
  await expect(limit.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await limit.run(async () => 'next')).toBe('next')
})
