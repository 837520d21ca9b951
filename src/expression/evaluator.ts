import { untilAborted } from '../base/abort.ts'
import type { Service } from '../base/service.ts'
import { type Evaluator, evaluateHere } from './expression.ts'
import { handOver } from './fast-path.ts'
import { createSandbox, type SandboxOptions } from './sandbox.ts'

/** The evaluator everybody uses: in-process where that is safe, in the sandbox otherwise. */
export function createEvaluator(options: SandboxOptions): Evaluator & Service {
  const sandbox = createSandbox(options)
  return {
    name: 'expression',
    start: sandbox.start,
    stop: sandbox.stop,
    async evaluate(expression, scope, abort) {
      const value = evaluateHere(expression, scope)
      if (value !== handOver) return value
      const work = sandbox.evaluate(expression, scope)
      return abort === undefined ? work : untilAborted(abort.signal, work)
    },
  }
}
