// The state of an execution: where it and each of its nodes stand. Pure; how events change it is in evolve.ts, and the
// rows of executions and node_executions are a picture of it.
import type { Json } from '../base/json.ts'
import type { Asked, EdgeVerdicts, Foreseen, OnItemError, ParkReason, RecordedError } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'

export type ExecutionStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | 'paused'
export type NodeStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'retrying'

export interface NodeState {
  readonly status: NodeStatus
  /** Attempts begun. */
  readonly attempt: number
  /** Attempts that do not count against the retry policy: cut short by us, or made before an operator's retry. */
  readonly lost: number
  /** Raised by an operator's rerun: from then on its side effects carry another idempotency key. */
  readonly generation: number
  readonly input: Json | undefined
  /** What the nodes after it see: its output, or `{error}` of a failure its edges handle. */
  readonly output: Json | undefined
  readonly error: RecordedError | undefined
  readonly skipReason: string | undefined
  /** Skipped because the execution ended first; its edges did not decide. */
  readonly unreached: boolean
  /** A failure that the edges out of the node decide about. */
  readonly handled: boolean
  readonly branches: readonly string[] | undefined
  readonly edges: EdgeVerdicts | undefined
  readonly retryAt: Date | undefined
  /** There while it runs and no attempt of it does. */
  readonly waiting: Waiting | undefined
  /** What it was called back with: from then on this is what it comes to. */
  readonly calledBack: { readonly output: Json } | undefined
  /** There once its items are known, and until a rerun. */
  readonly split: SplitState | undefined
  readonly startedAt: Date | undefined
  readonly completedAt: Date | undefined
  /** Number of the event with which it completed. */
  readonly completedWith: number | undefined
}

export interface SplitState {
  /** Of the event that holds its items. */
  readonly sequence: number
  /** The event since which it waits for them. */
  readonly since: number
  readonly total: number
  readonly maxParallel: number
  readonly onItemError: OnItemError
  /** `running` while it waits for them; `left` when a retry is to go on with those that had not completed. */
  readonly items: 'running' | 'ended' | 'left'
}

/** Until when a node waits, and what it comes to then: without `end`, it completes with its input. */
export interface Waiting {
  /** Undefined: for no time, but for the items of its split. */
  readonly until: Date | undefined
  readonly callback: boolean
  readonly end: Foreseen | undefined
  readonly edges: EdgeVerdicts | undefined
}

export interface Requested extends Asked {
  readonly kind: 'cancel' | 'pause'
}

/** What became of the mapping of an input (mapping.ts). */
export type Mapped = { readonly input: Json } | { readonly error: RecordedError }

export interface ExecutionState {
  /** Of the last event; how many there are. */
  readonly sequence: number
  readonly status: ExecutionStatus
  /** The wave under way; -1 before the first. */
  readonly wave: number
  readonly input: Json
  /** To be recorded as it starts. */
  readonly mapped: Mapped | undefined
  readonly output: Json | undefined
  readonly error: RecordedError | undefined
  /** The node whose failure ended it. */
  readonly failedNode: string | undefined
  readonly turn: number
  readonly claim: number
  readonly wakeAt: Date | undefined
  readonly parkedReason: ParkReason | undefined
  /** What its limit is counted by, once it has its place under it, or waits for one (`parkedReason`). */
  readonly limitKey: string | undefined
  /** What its rate is counted by, once it has passed it, or waits for that (`parkedReason`). */
  readonly rateKey: string | undefined
  /** Whose workers have this turn, or are to take it (`parkedReason`); absent = those of the default. */
  readonly pool: string | undefined
  readonly startedAt: Date | undefined
  /** Since when its timeout runs: its start, later by every time it stood still, anew from a retry. */
  readonly timeoutFrom: Date | undefined
  readonly completedAt: Date | undefined
  /** What was asked of it and is not done yet. */
  readonly request: Requested | undefined
  /** Since when it is paused, or waits for a limit or a rate: its timeout stands still. */
  readonly pausedAt: Date | undefined
  /** There since it began to undo what had completed. */
  readonly compensation: Compensation | undefined
  /** By plan index. */
  readonly nodes: readonly NodeState[]
}

export interface Compensation {
  /** Indexes of the nodes that undo others, in the order in which they run. */
  readonly order: readonly number[]
  /** What the execution fails of then; absent when it was cancelled. */
  readonly cause: { readonly error: RecordedError; readonly node?: string } | undefined
}

/** So many events and an execution is not to go on. One that nobody reopens comes to fewer, however its nodes fare. */
export const MAX_EVENTS = 10_000

/** A node that has not run. */
export const UNTOUCHED: NodeState = {
  status: 'pending',
  attempt: 0,
  lost: 0,
  generation: 0,
  input: undefined,
  output: undefined,
  error: undefined,
  skipReason: undefined,
  unreached: false,
  handled: false,
  branches: undefined,
  edges: undefined,
  retryAt: undefined,
  waiting: undefined,
  calledBack: undefined,
  split: undefined,
  startedAt: undefined,
  completedAt: undefined,
  completedWith: undefined,
}

/** State before the first event: "event 0" is the row as it was created. */
export function initialState(plan: Plan, input: Json, mapped?: Mapped): ExecutionState {
  return {
    sequence: 0,
    status: 'pending',
    wave: -1,
    input,
    mapped,
    output: undefined,
    error: undefined,
    failedNode: undefined,
    turn: 0,
    claim: 0,
    wakeAt: undefined,
    parkedReason: undefined,
    limitKey: undefined,
    rateKey: undefined,
    pool: undefined,
    startedAt: undefined,
    timeoutFrom: undefined,
    completedAt: undefined,
    request: undefined,
    pausedAt: undefined,
    compensation: undefined,
    nodes: plan.nodes.map(() => UNTOUCHED),
  }
}

export function isOver(state: ExecutionState): boolean {
  return state.status === 'completed' || state.status === 'failed' || state.status === 'cancelled'
}

export function isCancelling(state: ExecutionState): boolean {
  return state.request?.kind === 'cancel'
}

/** Whether it waits for the items of a split. */
export function isSplitOpen(node: NodeState): boolean {
  return node.waiting !== undefined && node.split?.items === 'running'
}

/** Asked to pause, and not there yet. */
export function isPausing(state: ExecutionState): boolean {
  return state.request?.kind === 'pause'
}

/** Whether the workers that have this turn are those the node is for. */
export function isOfTurn(plan: Plan, { pool }: ExecutionState, index: number): boolean {
  return plan.nodes[index]?.policy.pool === pool
}

/** Whether an attempt of it runs, or what it was called back with is looked at. */
export function isAtWork(node: NodeState): boolean {
  return node.status === 'running' && node.waiting === undefined
}

export function isNodeOver(node: NodeState): boolean {
  return node.status === 'completed' || node.status === 'failed' || node.status === 'skipped'
}

/** Indexes of the nodes whose turn it is: those of the wave, or the one that is next to undo another. */
export function underWay(plan: Plan, state: ExecutionState): readonly number[] {
  if (state.compensation === undefined) return plan.waves[state.wave] ?? []
  const next = state.compensation.order.find(index => !isNodeOver(nodeOf(state, index)))
  return next === undefined ? [] : [next]
}

export function nodeOf(state: ExecutionState, index: number): NodeState {
  const node = state.nodes[index]
  if (node === undefined) throw new Error(`execution state has no node ${index}`)
  return node
}
