import { expect, test } from 'vitest'
import { type ClaimedTurn, createClaimed } from '../../../src/queue/claimed.ts'
import type { Job } from '../../../src/queue/queue.ts'

/** A claimed job that carries the turns of these executions. */
function job(id: string, executionIds: readonly string[], retryCount = 0): Job[] {
  const claim = { id, retryCount, queue: 'exec', isShared: executionIds.length > 1 } as const
  return executionIds.map(executionId => ({ ...claim, executionId, turn: 0 }))
}

const names = (turns: readonly ClaimedTurn[]): string[] => turns.map(turn => turn.job.executionId)
const drained = (turns: readonly ClaimedTurn[]): boolean[] => turns.map(turn => turn.drain.signal.aborted)

test('turns get slots in the order in which they were claimed', () => {
  const claimed = createClaimed()
  expect(claimed.add([...job('x', ['a', 'b', 'c']), ...job('y', ['d'])], 0)).toBe(2)
  const first = claimed.next(2)
  expect(names(first)).toEqual(['a', 'b'])
  expect(claimed.next(2)).toEqual([])
  for (const turn of first) claimed.end(turn, 'ended')
  expect(names(claimed.next(2))).toEqual(['c', 'd'])
})

test('a shared job is finished when the last of its turns has ended, until it is known to be settled', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a', 'b']), 0)
  const [a, b] = claimed.next(2)
  if (a === undefined || b === undefined) throw new Error('there are slots for both')
  claimed.end(b, 'ended')
  expect(claimed.finished()).toEqual([])
  claimed.end(a, 'ended')
  const finished = claimed.finished()
  expect(finished).toMatchObject([{ id: 'x' }])
  expect(claimed.finished()).toEqual(finished)
  claimed.forget(finished)
  expect(claimed.finished()).toEqual([])
  expect(claimed.jobs()).toEqual([])
})

test('a job of one turn is not finished here: its last append settled it', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a']), 0)
  for (const turn of claimed.next(1)) claimed.end(turn, 'ended')
  expect([claimed.finished(), claimed.jobs()]).toEqual([[], []])
})

test('when a turn is dropped the others are handed over, and the job is left to lapse', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a', 'b', 'c']), 0)
  const [a, b] = claimed.next(2)
  if (a === undefined || b === undefined) throw new Error('there are slots for two')
  claimed.end(a, 'dropped')
  expect(b.drain.signal.aborted).toBe(true)
  const rest = claimed.next(0)
  expect([names(rest), drained(rest)]).toEqual([['c'], [true]])
  for (const turn of [b, ...rest]) claimed.end(turn, 'ended')
  expect([claimed.finished(), claimed.jobs()]).toEqual([[], []])
})

test('a shared job that lost a worker is taken apart, without waiting for slots', () => {
  const claimed = createClaimed()
  claimed.add([...job('x', ['a', 'b'], 1), ...job('y', ['c'], 1)], 0)
  const begun = claimed.next(0)
  expect([names(begun), drained(begun)]).toEqual([
    ['a', 'b'],
    [true, true],
  ])
  expect(drained(claimed.next(3))).toEqual([false])
})

test('what waits of a lost claim never begins, and the claim settles nothing', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a', 'b']), 0)
  const [a] = claimed.next(1)
  const [held] = claimed.jobs()
  if (a === undefined || held === undefined) throw new Error('there is a slot')
  claimed.lose(held)
  expect(a.of.lost.signal.aborted).toBe(true)
  claimed.end(a, 'ended')
  expect([claimed.next(5), claimed.finished(), claimed.jobs()]).toEqual([[], [], []])
})

test('a job that comes back is held under its new claim, and the earlier one is lost', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a', 'b']), 0)
  const [before] = claimed.next(1)
  claimed.add(job('x', ['a', 'b'], 1), 5)
  expect(before?.of.lost.signal.aborted).toBe(true)
  const again = claimed.next(5)
  expect([names(again), again.map(turn => turn.of.lost.signal.aborted)]).toEqual([
    ['a', 'b'],
    [false, false],
  ])
})

test('what waits is handed over on request, and what has a slot keeps it', () => {
  const claimed = createClaimed()
  claimed.add(job('x', ['a', 'b']), 0)
  claimed.add(job('y', ['c']), 7)
  const [a] = claimed.next(1)
  claimed.handOver('waiting', ({ claimedAt }) => claimedAt < 5)
  expect(a?.drain.signal.aborted).toBe(false)
  expect(names(claimed.next(1))).toEqual(['b'])
})
