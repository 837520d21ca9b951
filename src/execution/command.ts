// What operators ask of executions, and what follows from it. Pure: the state and a command in, events and a verdict out.
// Invariants: (1) a command never drives: it decides what an execution that no worker holds is from now on, and of one
// that is held it only records what was asked; (2) asked twice, the second time changes nothing and says so; (3) what is
// refused says why, and what to do instead.
import type { Json } from '../base/json.ts'
import { checkStorable, jsonBytes, MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import type { Asked } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import { again, againFrom } from './again.ts'
import { callBack, gather } from './awaited.ts'
import { cancelExecution } from './decide.ts'
import type { Draft } from './draft.ts'
import { type ExecutionState, type ExecutionStatus, isCancelling, isOver, isPausing, MAX_EVENTS } from './state.ts'
import { type Case, endOf, goesOn, say, type Verdict } from './verdict.ts'

export type Command = Asked & {
  /** Asked by the split whose item it is. */
  readonly ofSplit?: true
} & (
    | { readonly verb: 'cancel' | 'pause' | 'resume' | 'retry' | 'redrive' }
    /** From a node on, which gets `input` instead of what it got before. */
    | { readonly verb: 'rerun'; readonly node: string; readonly input?: Json }
    /** Gives a node its output. */
    | { readonly verb: 'callback'; readonly node: string; readonly generation: number; readonly output: Json }
    /** Tells a split that its items have ended. */
    | { readonly verb: 'gather'; readonly node: string; readonly since: number }
  )

/** Those that can be asked of many executions at once. */
export type Verb = Exclude<Command['verb'], 'callback' | 'gather'>

/** Which executions a verb is for, when none are named. */
export const candidates: Readonly<Record<Verb, readonly ExecutionStatus[]>> = {
  cancel: ['pending', 'running', 'paused'],
  pause: ['pending', 'running'],
  resume: ['paused'],
  retry: ['failed', 'cancelled'],
  redrive: ['failed'],
  rerun: ['completed', 'failed', 'cancelled'],
}

/** What adds to an execution that is as good as over; the other verbs bring one to its end. */
const LENGTHENS: ReadonlySet<Command['verb']> = new Set(['pause', 'retry', 'redrive', 'rerun'])

const LONGEST_REASON = 1_000

/** What is wrong with a command, whatever it is asked of; null when nothing is. */
export function commandProblem(command: Command): string | null {
  const { by, reason = '' } = command
  const problem = checkStorable({ by, reason })
  if (problem !== null) return `what is to be recorded cannot be stored: ${problem}`
  if (reason.length > LONGEST_REASON) return `the reason is longer than ${LONGEST_REASON} characters`
  if (command.verb === 'callback') return dataProblem('output', command.output)
  return command.verb === 'rerun' && command.input !== undefined ? dataProblem('input', command.input) : null
}

function dataProblem(what: string, data: Json): string | null {
  const unfit = checkStorable(data)
  if (unfit !== null) return `the ${what} cannot be stored: ${unfit}`
  const bytes = jsonBytes(data, MAX_OUTPUT_BYTES)
  return bytes <= MAX_OUTPUT_BYTES ? null : `the ${what} has more than ${MAX_OUTPUT_BYTES} bytes as JSON`
}

/** Emits what follows from the command. */
export function decideCommand(plan: Plan, draft: Draft, { command, at }: { command: Command; at: Date }): Verdict {
  const { by, reason } = command
  const one: Case = { plan, draft, asked: reason === undefined ? { by } : { by, reason }, at }
  if (LENGTHENS.has(command.verb) && draft.state.sequence > MAX_EVENTS) return tooLong(draft.state)
  if (plan.exits !== undefined && command.ofSplit === undefined && BY_SPLIT.has(command.verb))
    return ofItem(command.verb)
  switch (command.verb) {
    case 'cancel':
      return cancel(one)
    case 'pause':
      return pause(one)
    case 'resume':
      return resume(one)
    case 'retry':
      return retry(one)
    case 'redrive':
      return redrive(one)
    case 'rerun':
      return rerun(one, command)
    case 'callback':
      return callBack(one, command)
    case 'gather':
      return gather(one, command)
  }
}

function cancel(one: Case): Verdict {
  const { plan, draft, asked, at } = one
  const { status, startedAt, parkedReason, request } = draft.state
  if (status === 'cancelled') return { kind: 'unchanged', why: 'it is cancelled already' }
  if (isOver(draft.state)) return over(draft.state, 'There is nothing left to cancel.')
  if (isCancelling(draft.state))
    return { kind: 'unchanged', why: `its cancellation was requested already, by ${request?.by}` }
  if (draft.state.compensation !== undefined) return compensating()
  say(one, { type: 'workflow_cancel_requested', payload: asked })
  if (startedAt === undefined) {
    cancelExecution(plan, draft, { at })
    return { kind: 'done', is: 'cancelled' }
  }
  // A worker ends it, since there may be something to clean up.
  if (parkedReason !== undefined) say(one, { type: 'execution_woken', payload: {} })
  return { kind: 'done', is: 'cancelling' }
}

function pause(one: Case): Verdict {
  const { draft, asked } = one
  const { status, parkedReason, request } = draft.state
  if (isOver(draft.state)) return over(draft.state, 'There is nothing left to pause.')
  if (isCancelling(draft.state)) return cancelling(draft.state)
  if (status === 'paused') return { kind: 'unchanged', why: 'it is paused already' }
  if (isPausing(draft.state)) return { kind: 'unchanged', why: `a pause was requested already, by ${request?.by}` }
  say(one, { type: 'workflow_pause_requested', payload: asked })
  if (status !== 'pending' && parkedReason === undefined) return { kind: 'done', is: 'pausing' }
  say(one, { type: 'workflow_paused', payload: {} })
  return { kind: 'done', is: 'paused' }
}

function resume(one: Case): Verdict {
  const { draft, asked } = one
  if (isOver(draft.state)) return over(draft.state, 'Retry or rerun it to make it go on.')
  if (isCancelling(draft.state)) return cancelling(draft.state)
  if (draft.state.status !== 'paused' && !isPausing(draft.state)) return { kind: 'unchanged', why: 'it is not paused' }
  say(one, { type: 'workflow_resumed', payload: asked })
  return goesOn(draft)
}

function retry(one: Case): Verdict {
  const { plan, draft, asked } = one
  if (!isOver(draft.state)) return open(draft.state)
  if (draft.state.status === 'completed') {
    return {
      kind: 'refused',
      code: 'EXECUTION_OVER',
      why: 'it completed, so that there is nothing to retry',
      hint: 'To run a part of it again, rerun it from a node.',
    }
  }
  say(one, { type: 'workflow_retried', payload: { ...asked, ...again(plan, draft.state) } })
  return goesOn(draft)
}

function redrive(one: Case): Verdict {
  const { plan, draft, asked } = one
  if (!isOver(draft.state)) return open(draft.state)
  if (!isDead(draft.state)) {
    return {
      kind: 'refused',
      code: 'EXECUTION_NOT_DEAD',
      why: `it is ${draft.state.status}, not a dead letter: it did not end because every worker that took it was lost`,
      hint: 'Retry it if it failed or was cancelled, or rerun it from a node.',
    }
  }
  say(one, { type: 'workflow_redriven', payload: { ...asked, ...again(plan, draft.state) } })
  return goesOn(draft)
}

function rerun(one: Case, { node, input }: Extract<Command, { verb: 'rerun' }>): Verdict {
  const { plan, draft, asked } = one
  if (!isOver(draft.state)) return open(draft.state)
  const index = plan.index.get(node)
  if (index === undefined) return noNode(plan, node)
  if (plan.nodes[index]?.undoes !== undefined) {
    return {
      kind: 'refused',
      code: 'NODE_COMPENSATES',
      why: `"${node}" undoes another node, and runs only for that`,
      hint: 'Rerun it from the node that it undoes, or retry the execution.',
    }
  }
  const state = draft.state.nodes[index]
  if (state === undefined || state.attempt === 0) {
    return {
      kind: 'refused',
      code: 'NODE_NOT_RUN',
      why: `"${node}" did not run: ${state?.skipReason ?? 'the execution ended first'}`,
      hint: 'Rerun it from a node that ran, or retry the execution.',
    }
  }
  const changed = input === undefined ? {} : { input }
  say(one, { type: 'workflow_rerun', payload: { ...asked, node, ...changed, ...againFrom(plan, draft.state, index) } })
  return goesOn(draft)
}

/** What is asked of an item is asked of the execution it is part of, but for a cancellation and a callback. */
const BY_SPLIT: ReadonlySet<Command['verb']> = new Set(['pause', 'resume', 'retry', 'redrive', 'rerun'])

function ofItem(verb: Command['verb']): Verdict {
  return {
    kind: 'refused',
    code: 'EXECUTION_IS_ITEM',
    why: 'it runs for one item of a split, as a part of another execution',
    hint: `${verb} that execution, which reaches its items; mbflow execution show names it.`,
  }
}

function noNode(plan: Plan, node: string): Verdict {
  const isOfItems = [...plan.regions.values()].some(region => region.index.has(node))
  const { name, version } = plan.workflow
  return {
    kind: 'refused',
    code: 'NODE_NOT_FOUND',
    why: isOfItems
      ? `"${node}" runs for the items of a split`
      : `version ${version} of "${name}" has no node "${node}"`,
    hint: `It can be rerun from ${plan.nodes.map(({ key }) => key).join(', ')}.`,
  }
}

/** Whether it ended because every worker that took it was lost. */
function isDead({ status, error, failedNode }: ExecutionState): boolean {
  return status === 'failed' && failedNode === undefined && error?.code === 'WORKER_LOST'
}

function over(state: ExecutionState, hint: string): Verdict {
  return { kind: 'refused', code: 'EXECUTION_OVER', why: `it ${endOf(state)}`, hint }
}

function tooLong({ sequence }: ExecutionState): Verdict {
  return {
    kind: 'refused',
    code: 'EXECUTION_TOO_LONG',
    why: `it has ${sequence} events, more than ${MAX_EVENTS}`,
    hint: 'Start a new one: mbflow trigger fire.',
  }
}

function cancelling({ request }: ExecutionState): Verdict {
  return {
    kind: 'refused',
    code: 'EXECUTION_CANCELLING',
    why: `its cancellation was requested, by ${request?.by}`,
    hint: 'A cancellation cannot be taken back; once it is over, retry it.',
  }
}

function compensating(): Verdict {
  return {
    kind: 'refused',
    code: 'EXECUTION_COMPENSATING',
    why: 'it has failed, and undoes what it had done',
    hint: 'It is over once that is done; if it is paused, resume it.',
  }
}

function open({ status }: ExecutionState): Verdict {
  return {
    kind: 'refused',
    code: 'EXECUTION_OPEN',
    why: `it is ${status}, not over`,
    hint: 'Wait for its end, or cancel it first; resume it if it is paused.',
  }
}
