import { expect, test } from 'vitest'
import { createLimit } from '../../../src/base/limit.ts'

test('those of higher priority go first, and of one priority who came first', async () => {
  const limit = createLimit(1)
  const order: string[] = []
  const enter = async (name: string, priority?: number): Promise<void> => {
    await limit.enter(priority)
    order.push(name)
    limit.leave()
  }
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

test('whoever finds room need not wait for it', async () => {
  const limit = createLimit(2)
  expect([limit.enter(), limit.enter()]).toEqual([undefined, undefined])
  const third = limit.enter()
  limit.leave()
  await third
  expect(limit.enter()).toBeInstanceOf(Promise)
})
