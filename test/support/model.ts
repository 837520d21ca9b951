// What an execution is to do, said once more and as simply as it can be said: no events, no turns, no rows. A worker that
// holds it does at once all there is to do (`look`), so that between two moves it stands still.
import type { Graph } from './model-graphs.ts'

export interface ModelNode {
  readonly key: string
  readonly wave: number
  status: 'pending' | 'running' | 'waiting' | 'retrying' | 'completed' | 'failed' | 'skipped'
  attempts: number
  /** Attempts that do not count against the policy. */
  lost: number
  generation: number
  /** The hour in which what it waits for has come. */
  due: number
  waitsFor: 'delay' | 'callback'
  /** What waits fails when its time has come. */
  isDoomed: boolean
  /** Its failure is not that of the execution. */
  isForgiven: boolean
  isCalledBack: boolean
  /** Skipped since the execution ended first. */
  isUnreached: boolean
}

export interface Model {
  readonly graph: Graph
  status: 'pending' | 'running' | 'paused' | 'completed' | 'failed' | 'cancelled'
  request: 'cancel' | 'pause' | undefined
  hasStarted: boolean
  wave: number
  /** `free`: a job waits for a worker; `none`: there is nothing to do for one. */
  worker: 'none' | 'free' | 'held'
  /** The worker that had it is gone, and nobody has said so yet. */
  isOrphan: boolean
  /** It failed since every worker that took it was lost. */
  isDead: boolean
  hour: number
  /** How many attempts came to a wait. */
  waits: number
  readonly nodes: readonly ModelNode[]
}

/** The second attempt of a node that fails is its last. */
export const MAX_ATTEMPTS = 2

export function createModel(graph: Graph): Model {
  const nodes = graph.nodes.map(({ key, wave }): ModelNode => ({ key, wave, ...untouched(), generation: 0 }))
  return {
    graph,
    status: 'pending',
    request: undefined,
    hasStarted: false,
    wave: -1,
    worker: 'free',
    isOrphan: false,
    isDead: false,
    hour: 0,
    waits: 0,
    nodes,
  }
}

export const untouched = (): Omit<ModelNode, 'key' | 'wave' | 'generation'> => ({
  status: 'pending',
  attempts: 0,
  lost: 0,
  due: 0,
  waitsFor: 'delay',
  isDoomed: false,
  isForgiven: false,
  isCalledBack: false,
  isUnreached: false,
})

export const isOver = ({ status }: Model): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'
export const running = ({ nodes }: Model): ModelNode[] => nodes.filter(({ status }) => status === 'running')
export const isEnded = ({ status }: ModelNode): boolean =>
  status === 'completed' || status === 'failed' || status === 'skipped'

/** Why it waits, as its row has it. */
export function parkedReason({ status, worker, nodes }: Model): string | null {
  if (status === 'paused') return 'paused'
  if (status !== 'running' || worker !== 'none') return null
  if (nodes.some(one => one.status === 'retrying')) return 'retry'
  return nodes.some(one => one.status === 'waiting' && one.waitsFor === 'callback') ? 'callback' : 'delay'
}

export function endAttempt(model: Model, kind: string, node: ModelNode | undefined): boolean {
  if (node === undefined) return false
  const mayRetry = node.attempts - node.lost < MAX_ATTEMPTS && !isFailing(model)
  if (kind === 'complete') node.status = 'completed'
  else if (kind === 'break' || (kind === 'fail' && !mayRetry)) fail(model, node)
  else if (kind === 'fail') Object.assign(node, { status: 'retrying', due: model.hour + 1 })
  else {
    model.waits++
    const waitsFor = kind === 'await' ? 'callback' : 'delay'
    Object.assign(node, { status: 'waiting', due: model.hour + 1, waitsFor, isDoomed: kind === 'doom' })
  }
  look(model)
  return true
}

function fail({ graph }: Model, node: ModelNode): void {
  Object.assign(node, { status: 'failed', isForgiven: graph.forgiven.includes(node.key) })
}

export const isFailure = ({ status, isForgiven }: ModelNode): boolean => status === 'failed' && !isForgiven

function isFailing({ nodes, wave }: Model): boolean {
  return nodes.some(node => node.wave === wave && isFailure(node))
}

/** All that a worker does before it has to wait. */
export function look(model: Model): void {
  if (model.worker !== 'held') return
  if (model.request === 'cancel') return endCancelled(model)
  for (const node of model.nodes) {
    if (node.status === 'running' && node.isCalledBack) node.status = 'completed'
    else if (node.status !== 'waiting' || node.due > model.hour) continue
    else if (node.isDoomed) fail(model, node)
    else node.status = 'completed'
  }
  model.hasStarted = true
  model.status = 'running'
  for (;;) {
    const wave = model.nodes.filter(node => node.wave === model.wave)
    for (const node of wave) if (!isEnded(node) && node.status !== 'running') begin(model, node)
    if (!wave.every(isEnded)) break
    if (isFailing(model)) return end(model, 'failed')
    if (model.nodes.every(node => node.wave <= model.wave)) return end(model, 'completed')
    model.wave++
  }
  if (running(model).length > 0) return
  model.worker = 'none'
  if (model.request === 'pause') Object.assign(model, { status: 'paused', request: undefined })
}

function begin(model: Model, node: ModelNode): void {
  if (isFailing(model)) leave(node)
  else if (model.request === 'pause' || node.status === 'waiting') return
  else if (node.status === 'pending' || node.due <= model.hour)
    Object.assign(node, { status: 'running', attempts: node.attempts + 1 })
}

/** What had begun has failed, what had not is skipped. */
function leave(node: ModelNode): void {
  if (isEnded(node)) return
  if (node.status === 'pending') Object.assign(node, { status: 'skipped', isUnreached: true })
  else node.status = 'failed'
}

export function end(model: Model, status: 'completed' | 'failed' | 'cancelled'): void {
  for (const node of model.nodes) leave(node)
  Object.assign(model, { status, request: undefined, worker: 'none', isOrphan: false })
}

export function endCancelled(model: Model): void {
  end(model, 'cancelled')
}
