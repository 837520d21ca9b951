// What a node waits for that comes from outside: it is called back, or the items of its split have ended. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../base/json.ts'
import { isCancelling, isOver, isSplitOpen } from './state.ts'
import { type Case, endOf, goesOn, say, type Verdict } from './verdict.ts'

/** One node, as it was when somebody began to wait for it. */
interface Awaited {
  readonly node: string
  readonly generation: number
}

export function callBack(one: Case, { node, generation, output }: Awaited & { output: Json }): Verdict {
  const { plan, draft, asked, at } = one
  const state = draft.state.nodes[plan.index.get(node) ?? -1]
  if (state === undefined || state.generation !== generation) return gone('the node was rerun since')
  const { calledBack, waiting, status } = state
  if (calledBack !== undefined) {
    if (isDeepStrictEqual(calledBack.output, output))
      return { kind: 'unchanged', why: 'it was called back with this already' }
    const why = 'the node was called back already, with something else'
    return { kind: 'refused', code: 'CALLBACK_USED', why, hint: 'The first call counts.' }
  }
  if (isOver(draft.state)) return gone(`the execution ${endOf(draft.state)}`)
  if (isCancelling(draft.state) && draft.state.compensation === undefined)
    return gone('the execution is being cancelled')
  if (status !== 'running' && status !== 'retrying') return gone(`the node is ${status}`)
  if (waiting?.until !== undefined && waiting.until <= at) return gone(`it waited until ${waiting.until.toISOString()}`)
  say(one, { type: 'node_called_back', payload: { ...asked, node, output } })
  return wake(one)
}

/** `since`: the event since which it waited for those that have ended; a retry may have come between. */
export function gather(one: Case, { node, since }: { node: string; since: number }): Verdict {
  const { plan, draft } = one
  const state = draft.state.nodes[plan.index.get(node) ?? -1]
  if (state === undefined || !isSplitOpen(state) || state.split?.since !== since)
    return { kind: 'unchanged', why: 'the node does not wait for these items' }
  say(one, { type: 'node_items_ended', payload: { node } })
  return wake(one)
}

/** What one of its nodes waited for is there. */
function wake(one: Case): Verdict {
  const { draft } = one
  const { status, parkedReason } = draft.state
  if (status === 'paused') return { kind: 'done', is: 'paused' }
  if (parkedReason !== undefined) say(one, { type: 'execution_woken', payload: {} })
  return goesOn(draft)
}

function gone(why: string): Verdict {
  return { kind: 'refused', code: 'CALLBACK_GONE', why, hint: 'Nothing waits for it any more.' }
}
