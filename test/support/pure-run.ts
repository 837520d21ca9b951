// Runs an execution without a database: decisions are folded, attempts end as the script says, in the order it says.

import type { Json } from '../../src/base/json.ts'
import type { EdgeVerdicts, EventBody } from '../../src/event/event.ts'
import { decideNext, settleAttempt } from '../../src/execution/decide.ts'
import { type Draft, draftOf, type Now } from '../../src/execution/draft.ts'
import { type ExecutionState, initialState, isAtWork, isOver } from '../../src/execution/state.ts'
import { endWaits, nextTimer } from '../../src/execution/waits.ts'
import type { Completed, Failed, Outcome, Parked } from '../../src/node/node-type.ts'
import type { Plan } from '../../src/workflow/waves.ts'

export interface Script {
  outcome(key: string, attempt: number): Outcome
  edges?(key: string): EdgeVerdicts | undefined
  /** Which of the running attempts ends next, in [0, 1). */
  pick?(): number
  input?: Json
}

export interface Run {
  readonly events: readonly EventBody[]
  readonly state: ExecutionState
  /** States between decisions. */
  readonly states: readonly ExecutionState[]
}

export const completed = (output: Json = null, branches?: string[]): Completed => ({
  kind: 'completed',
  output,
  ...(branches ? { branches } : {}),
})
export const failed = (retryable = false, code = 'BROKEN'): Failed => ({
  kind: 'failed',
  error: { code, message: 'it broke', retryable },
})

/** Waits so many milliseconds, and then comes to this. */
export const parked = (until: number, end?: Completed | Failed): Parked => ({
  kind: 'parked',
  until,
  ...(end ? { end } : {}),
})

export const START = new Date('2026-01-01T00:00:00.000Z')

export function run(plan: Plan, script: Script): Run {
  const events: EventBody[] = []
  const states: ExecutionState[] = []
  let state = initialState(plan, script.input ?? {})
  let at = START
  const now = (): Now => ({ at, random: 0.5 })
  const decide = (change: (draft: Draft) => void): void => {
    const draft = draftOf(state)
    change(draft)
    events.push(...draft.events)
    state = draft.state
    states.push(state)
  }
  decide(draft => decideNext(plan, draft, now()))
  for (let steps = 0; !isOver(state); steps++) {
    if (steps > 10_000) throw new Error('the execution does not end')
    const running = plan.nodes.filter(({ index }) => state.nodes.some((node, i) => i === index && isAtWork(node)))
    const node = running[Math.floor((script.pick?.() ?? 0) * running.length)]
    if (node === undefined) {
      const timer = nextTimer(plan, state)
      if (timer === undefined) throw new Error('nothing runs, nothing waits, and it is not over')
      at = timer.at
      decide(draft => {
        endWaits(plan, draft, now())
        decideNext(plan, draft, now())
      })
      continue
    }
    const attempt = state.nodes[node.index]?.attempt ?? 0
    decide(draft => {
      settleAttempt(plan, draft, {
        key: node.key,
        outcome: script.outcome(node.key, attempt),
        edges: script.edges?.(node.key),
        now: now(),
      })
      decideNext(plan, draft, now())
    })
  }
  return { events, state, states }
}

/** The events in short: `node_started a`, `wave_completed 0`. */
export function brief(events: readonly EventBody[]): string[] {
  return events.map(({ type, payload }) => {
    const what = 'node' in payload ? payload.node : 'wave' in payload ? payload.wave : undefined
    return what === undefined ? type : `${type} ${what}`
  })
}
