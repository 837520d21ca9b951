import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstJobs, sharedJobs } from '../../../src/execution/first-jobs.ts'
import { MOST_TURNS } from '../../../src/queue/queues.ts'

const executions = fc
  .array(fc.constantFrom(-1, 0, 7), { maxLength: 400 })
  .map(priorities =>
    priorities.map((priority, i) => ({ id: `00000000-0000-7000-8000-${`${i}`.padStart(12, '0')}`, priority })),
  )

test('every execution is in one job, of its priority, in their order, and no job carries too many', () => {
  fc.assert(
    fc.property(executions, all => {
      const jobs = firstJobs(all)
      const carried = jobs.flatMap(job => job.executionIds.map(id => ({ id, priority: job.priority })))
      const byPriority = [...Map.groupBy(all, one => one.priority).values()].flat()
      expect(carried).toEqual(carried.length === jobs.length ? all : byPriority)
      expect(Math.max(0, ...jobs.map(job => job.executionIds.length))).toBeLessThanOrEqual(MOST_TURNS)
      expect(new Set(jobs.map(job => job.id)).size).toBe(jobs.length)
    }),
  )
})

test('a job of one execution has its id, and one of several has none of theirs', () => {
  fc.assert(
    fc.property(executions, all => {
      for (const { id, executionIds } of firstJobs(all))
        expect(executionIds.includes(id)).toBe(executionIds.length === 1)
    }),
  )
})

test('what is shared is known of those who share, and of nobody else', () => {
  fc.assert(
    fc.property(executions, all => {
      const jobs = firstJobs(all)
      const shared = sharedJobs(jobs)
      for (const { id } of all) {
        const job = jobs.find(({ executionIds }) => executionIds.includes(id))
        expect(shared.get(id)).toBe(job?.executionIds.length === 1 ? undefined : job?.id)
      }
    }),
  )
})

test.each([
  [19, 19],
  [20, 10],
  [45, 12],
  [100, 10],
  [500, 50],
])('%i that begin together have %i jobs: there are always enough for several to share the work', (count, jobs) => {
  const all = Array.from({ length: count }, (_, i) => ({
    id: `00000000-0000-7000-8000-${`${i}`.padStart(12, '0')}`,
    priority: 0,
  }))
  expect(firstJobs(all)).toHaveLength(jobs)
})
