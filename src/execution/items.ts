// What the items of splits need of the database while they run, and what their split needs of them in the end.
import { excerpt, messageOf } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { jsonBytes, MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { createLru } from '../base/lru.ts'
import { outlast, type Pool } from '../db/pool.ts'
import { failed, type NodeType, type Outcome } from '../node/node-type.ts'
import type { Plan } from '../workflow/waves.ts'
import { outerKeys, planOf, type SplitKey, type Surroundings, splitOf, surroundings } from './item.ts'
import { findFailure, loadAround, pageOfResults, type Result } from './split-store.ts'
import type { SplitState } from './state.ts'
import type { ExecutionRow } from './store.ts'

export interface Items {
  /** What an item's nodes see of what is around it; undefined for an execution that is none. */
  around(row: ExecutionRow, whole: Plan): Promise<Surroundings | undefined>
  /** What a split comes to whose items have ended. */
  gather(of: SplitKey, split: SplitState, signal: AbortSignal): Promise<Outcome>
}

export interface ItemsDeps {
  readonly pool: Pool
  readonly nodeTypes: ReadonlyMap<string, NodeType>
}

/** Splits whose surroundings are kept in memory, if they are not larger: it does not change while their items run. */
const KEPT = 20
const LARGEST_KEPT = 2 * MAX_OUTPUT_BYTES
/** PostgreSQL writes JSON with blanks: what is too large is so by far. */
const MOST_TEXT = 2 * MAX_OUTPUT_BYTES
const LONGEST_MESSAGE = 1000

type Outer = Pick<Surroundings, 'nodes' | 'trigger'>

export function createItems({ pool, nodeTypes }: ItemsDeps): Items {
  const known = createLru<string, Outer>(KEPT)
  const loading = new Map<string, Promise<Outer>>()
  const keysOf = new WeakMap<Plan, 'all' | readonly string[]>()

  /** Items of one split that begin at the same time share a question. */
  function outerOf(of: SplitKey, whole: Plan): Outer | Promise<Outer> {
    const name = Object.values(of).join()
    const found = known.get(name) ?? loading.get(name)
    if (found !== undefined) return found
    const asked = load(of, whole)
      .then(outer => {
        if (jsonBytes({ ...outer }, LARGEST_KEPT) <= LARGEST_KEPT) known.set(name, outer)
        return outer
      })
      .finally(() => loading.delete(name))
    loading.set(name, asked)
    return asked
  }

  async function load(of: SplitKey, whole: Plan): Promise<Outer> {
    const region = planOf(whole, { parentNodeId: of.nodeId })
    const keys = keysOf.get(region) ?? outerKeys(region, nodeTypes)
    keysOf.set(region, keys)
    return surroundings(whole, await loadAround(pool, of, keys === 'all' ? null : keys))
  }

  return {
    async around(row, whole) {
      const of = splitOf(row)
      if (of === undefined) return undefined
      return { ...(await outerOf(of, whole)), parent: of.executionId, item: row.input, index: row.itemIndex ?? 0 }
    },
    async gather(of, split, signal) {
      try {
        return await outlast(() => collect(pool, of, split), signal)
      } catch (error) {
        if (!signal.aborted) return failed('NODE_CRASHED', messageOf(error))
        return failed('NODE_ABORTED', 'the attempt was aborted', { retryable: true })
      }
    },
  }
}

async function collect(pool: Pool, of: SplitKey, { total, onItemError }: SplitState): Promise<Outcome> {
  if (onItemError === 'fail') {
    const failure = await findFailure(pool, of)
    if (failure !== undefined) {
      const { index, id, error, failed: count } = failure
      const message = excerpt(`item ${index} of ${total} failed: ${error}`, LONGEST_MESSAGE)
      return failed('SPLIT_ITEM_FAILED', message, { details: { index, execution_id: id, failed: count } })
    }
  }
  const results: Json[] = []
  let bytes = 0
  while (results.length < total) {
    const page = await pageOfResults(pool, of, { from: results.length, most: MOST_TEXT - bytes })
    if (page.length === 0) throw new Error(`item ${results.length} of ${total} has no execution`)
    bytes += page.reduce((sum, result) => sum + result.bytes, 0)
    if (bytes > MOST_TEXT) {
      const message = `what the ${total} items gave has more than ${MAX_OUTPUT_BYTES} bytes as JSON; let each give less`
      return failed('OUTPUT_TOO_LARGE', message)
    }
    results.push(...page.map(result => (onItemError === 'fail' ? result.output : fateOf(result))))
  }
  return { kind: 'completed', output: results }
}

/** What became of an item, whatever that was. */
function fateOf({ index, status, output, error }: Result): Json {
  return status === 'completed' ? { index, status, output } : { index, status, error }
}
