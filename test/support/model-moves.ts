// What may be asked of the model, or happen to it.
import {
  end,
  endAttempt,
  endCancelled,
  isEnded,
  isFailure,
  isOver,
  look,
  type Model,
  type ModelNode,
  running,
  untouched,
} from './model.ts'

export type Move =
  | { readonly kind: 'claim' | 'crash' | 'drain' | 'exhaust' | 'hour' | 'raise' }
  | { readonly kind: 'cancel' | 'pause' | 'resume' | 'retry' | 'redrive' }
  /** Of the nodes that it could be, the one to pick. */
  | { readonly kind: 'complete' | 'fail' | 'break' | 'delay' | 'doom' | 'await'; readonly pick: number }
  | { readonly kind: 'rerun'; readonly pick: number }
  | { readonly kind: 'callback'; readonly pick: number; readonly isStale: boolean }

/** The node that a move is about; undefined when there is none, and nothing to do. */
export function subject(model: Model, move: Extract<Move, { pick: number }>): ModelNode | undefined {
  const all = move.kind === 'rerun' || move.kind === 'callback' ? model.nodes : running(model)
  return model.worker === 'held' || all === model.nodes ? all[move.pick % Math.max(1, all.length)] : undefined
}

/** False when the move changes nothing. */
export function make(model: Model, move: Move): boolean {
  switch (move.kind) {
    case 'cancel':
      return cancel(model)
    case 'pause':
      return pause(model)
    case 'resume':
      return resume(model)
    case 'retry':
      return isOver(model) && model.status !== 'completed' && reopen(model, unfinished(model), [])
    case 'redrive':
      return model.isDead && reopen(model, unfinished(model), [])
    case 'rerun':
      return rerun(model, subject(model, move))
    case 'callback':
      return callBack(model, subject(model, move), move.isStale)
    case 'claim':
      return model.worker === 'free' && claim(model)
    case 'crash':
      return model.worker === 'held' && crash(model)
    case 'drain':
      return model.worker === 'held' && drain(model)
    case 'exhaust':
      return model.worker === 'free' && exhaust(model)
    case 'hour':
      return passHour(model)
    case 'raise':
      return false
    default:
      return endAttempt(model, move.kind, subject(model, move))
  }
}

function cancel(model: Model): boolean {
  if (isOver(model) || model.request === 'cancel') return false
  model.request = 'cancel'
  if (!model.hasStarted) endCancelled(model)
  else if (model.worker === 'none') wake(model)
  look(model)
  return true
}

function pause(model: Model): boolean {
  if (isOver(model) || model.status === 'paused' || model.request !== undefined) return false
  if (model.status === 'pending' || model.worker === 'none') Object.assign(model, { status: 'paused', worker: 'none' })
  else model.request = 'pause'
  look(model)
  return true
}

function resume(model: Model): boolean {
  if (model.request === 'pause') model.request = undefined
  else if (model.status === 'paused') wake(model)
  else return false
  look(model)
  return true
}

function wake(model: Model): void {
  model.status = model.hasStarted ? 'running' : 'pending'
  Object.assign(model, { worker: 'free', isOrphan: false })
}

/** Failed with nothing to take that over, or not reached. */
function unfinished({ nodes }: Model): ModelNode[] {
  return nodes.filter(node => node.isUnreached || isFailure(node))
}

/** Some go on with the attempts they had, others are as if they had never run. */
function reopen(model: Model, retried: readonly ModelNode[], anew: readonly ModelNode[]): boolean {
  for (const node of retried) {
    const { attempts } = node
    Object.assign(node, { ...untouched(), attempts, lost: attempts })
  }
  for (const node of anew) Object.assign(node, { ...untouched(), generation: node.generation + 1 })
  model.wave = Math.min(model.wave, ...[...retried, ...anew].map(node => node.wave))
  model.isDead = false
  wake(model)
  return true
}

function rerun(model: Model, node: ModelNode | undefined): boolean {
  if (node === undefined || !isOver(model) || node.attempts === 0) return false
  const behind = model.graph.behind(node.key)
  const anew = model.nodes.filter(({ key }) => key === node.key || behind.includes(key))
  return reopen(
    model,
    unfinished(model).filter(other => !anew.includes(other)),
    anew,
  )
}

function callBack(model: Model, node: ModelNode | undefined, isStale: boolean): boolean {
  if (node === undefined || isStale || node.isCalledBack || isOver(model) || model.request === 'cancel') return false
  if (node.status === 'pending' || isEnded(node)) return false
  Object.assign(node, { status: 'running', isCalledBack: true })
  if (model.worker === 'none' && model.status !== 'paused') wake(model)
  look(model)
  return true
}

function claim(model: Model): boolean {
  model.worker = 'held'
  if (model.isOrphan) lose(model)
  model.isOrphan = false
  look(model)
  return true
}

/** What was under way is to begin again. */
function lose(model: Model): void {
  for (const node of running(model))
    if (!node.isCalledBack) Object.assign(node, { status: 'retrying', due: model.hour, lost: node.lost + 1 })
}

function crash(model: Model): boolean {
  Object.assign(model, { worker: 'free', isOrphan: true })
  return true
}

function drain(model: Model): boolean {
  lose(model)
  if (model.request === 'pause') Object.assign(model, { status: 'paused', request: undefined, worker: 'none' })
  else model.worker = 'free'
  return true
}

/** Every worker that took it was lost. */
function exhaust(model: Model): boolean {
  if (model.request === 'cancel') endCancelled(model)
  else {
    end(model, 'failed')
    model.isDead = true
  }
  return true
}

function passHour(model: Model): boolean {
  model.hour++
  if (model.status === 'running' && model.worker === 'none') wake(model)
  look(model)
  return true
}
