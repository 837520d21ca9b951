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
    async evaluate(expression, scope) {
      const value = evaluateHere(expression, scope)
      return value === handOver ? sandbox.evaluate(expression, scope) : value
    },
  }
}
