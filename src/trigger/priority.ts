// How urgent the executions of a fire are: what is asked for with it, else what its trigger says, else what its workflow
// does. Higher comes first, wherever executions of this installation wait for the same thing.
import type { Carried } from './input.ts'
import { isBackfilled, type Trigger } from './trigger.ts'

/** What a backfill makes up for comes after what its trigger starts, and after all that is as urgent as usual. */
export function priorityOf(
  { config, workflowPriority }: Pick<Trigger, 'config' | 'workflowPriority'>,
  { fireKey, carried }: { fireKey: string; carried: Carried },
): number {
  const { priority } = config as { priority?: number }
  const own = carried.priority ?? priority ?? workflowPriority ?? 0
  return isBackfilled(fireKey) ? Math.min(own, 0) - 1 : own
}
