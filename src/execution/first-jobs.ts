// The jobs of executions that begin together: of many, one carries the first turns of several, which is a row to insert, to
// claim and to delete instead of ten. Of few, each has its own: they may be long, and spread over all who work. Pure.
import { deriveId } from '../base/id.ts'
import type { NewJob } from '../queue/queue.ts'
import { MOST_TURNS } from '../queue/queues.ts'
import { turnJob } from './projection.ts'

/** Jobs there are at least before any of them is shared. */
const SPREAD = 10

/** Executions by their priorities, in their order. */
export function firstJobs(executions: readonly { readonly id: string; readonly priority: number }[]): NewJob[] {
  const size = Math.min(MOST_TURNS, Math.floor(executions.length / SPREAD))
  if (size < 2) return executions.map(one => turnJob(one, { turn: 0 }))
  const jobs: NewJob[] = []
  for (const [priority, equals] of Map.groupBy(executions, one => one.priority)) {
    for (let from = 0; from < equals.length; from += size) {
      const [first, ...others] = equals.slice(from, from + size)
      if (first === undefined) continue
      const executionIds = [first.id, ...others.map(one => one.id)]
      const shared = { id: deriveId(first.id, 'shared'), executionIds, turn: 0, priority }
      jobs.push(others.length === 0 ? turnJob(first, { turn: 0 }) : shared)
    }
  }
  return jobs
}

/** The shared ones, by the executions they begin. */
export function sharedJobs(jobs: readonly NewJob[]): Map<string, string> {
  const shared = jobs.filter(job => job.executionIds.length > 1)
  return new Map(shared.flatMap(job => job.executionIds.map(executionId => [executionId, job.id] as const)))
}
