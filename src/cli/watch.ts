// Follows executions as they change. A notification-free poll: what is shown is what the tables say.
import { systemClock } from '../base/clock.ts'
import { MbflowError } from '../base/errors.ts'
import { findExecution, type ListedExecution, readNow, watchedExecutions } from '../execution/find.ts'
import { requestOutcome } from '../trigger/fire-manually.ts'
import type { CliContext } from './context.ts'
import { roughly } from './text.ts'

const EVERY_MS = 250
/** An execution may be seen so long after the instant it was made at. */
const LATEST_COMMIT_MS = 5_000
const OPEN = new Set(['pending', 'running', 'paused'])

/** Prints the nodes of one execution as they end, until it is over. Throws when it did not complete. */
export async function watchExecution(context: CliContext, id: string): Promise<void> {
  const { pool } = await context.connect()
  const signal = context.interrupted()
  const shown = new Map<string, string>()
  while (!signal.aborted) {
    const execution = await findExecution(pool, id)
    for (const node of execution.nodes) {
      if (shown.get(node.key) === node.status) continue
      shown.set(node.key, node.status)
      context.output.next(
        {
          execution_id: execution.id,
          node: node.key,
          wave: node.wave,
          status: node.status,
          error: node.error,
          output: node.output,
        },
        () => `  wave ${node.wave}  ${node.key}  ${node.status}${node.error === null ? '' : `  ${node.error}`}`,
      )
    }
    if (execution.completed_at !== null) {
      if (execution.status !== 'completed') {
        const why = execution.error ?? 'without an error'
        throw new MbflowError('EXECUTION_FAILED', `execution ${execution.id} ${execution.status}: ${why}`)
      }
      context.output.next(execution, () => `${line(execution)}\n${JSON.stringify(execution.output, null, 2)}`)
      return
    }
    await systemClock.sleep(EVERY_MS, signal)
  }
}

/** Waits until a request that was buffered has its execution; undefined when interrupted. */
export async function watchRequest(
  context: CliContext,
  request: { triggerId: string; fireKey: string },
): Promise<string | undefined> {
  const { pool } = await context.connect()
  const signal = context.interrupted()
  while (!signal.aborted) {
    const outcome = await requestOutcome(pool, request)
    if (outcome?.executionId) return outcome.executionId
    if (outcome?.disposition !== 'buffered')
      throw new MbflowError('REFUSED', 'the request will not be fired: its trigger was removed')
    await systemClock.sleep(EVERY_MS, signal)
  }
  return undefined
}

/** Prints executions that are under way, and those that start and end from now on, until interrupted. */
export async function watchExecutions(context: CliContext, { workflow }: { workflow?: string }): Promise<void> {
  const { pool } = await context.connect()
  const signal = context.interrupted()
  const begun = await readNow(pool)
  const shown = new Map<string, string>()
  while (!signal.aborted) {
    const since = new Date(Math.max(begun.getTime(), (await readNow(pool)).getTime() - LATEST_COMMIT_MS))
    const ids = [...shown].flatMap(([id, status]) => (OPEN.has(status) ? [id] : []))
    const found = await watchedExecutions(pool, { ids, since, ...(workflow === undefined ? {} : { workflow }) })
    for (const execution of found) {
      if (shown.get(execution.id) !== execution.status) context.output.next(execution, () => line(execution))
    }
    // What is over and no longer new is forgotten.
    shown.clear()
    for (const { id, status } of found) shown.set(id, status)
    await systemClock.sleep(EVERY_MS, signal)
  }
}

function line(execution: ListedExecution): string {
  const took =
    execution.started_at !== null && execution.completed_at !== null
      ? `  ${roughly(execution.completed_at.getTime() - execution.started_at.getTime())}`
      : ''
  const why = execution.error === null ? '' : `  ${execution.error}`
  return `${execution.id}  ${execution.workflow}  ${execution.status}${took}${why}`
}
