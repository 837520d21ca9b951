// The very last line of a run, for people and machines: `N passed, N failed`. Written when the process ends, so that it
// also closes a run whose set-up failed, which no other hook hears of after vitest has printed the reason.
import type { Reporter } from 'vitest/node'

export function closingLine(): Reporter {
  let passed = 0
  let failed = 0
  return {
    onInit() {
      process.once('exit', code => {
        process.stdout.write(`\n${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed\n`)
      })
    },
    onTestRunEnd(modules, unhandledErrors) {
      const states = modules.flatMap(module => [...module.children.allTests()].map(test => test.result().state))
      passed = states.filter(state => state === 'passed').length
      failed =
        states.filter(state => state === 'failed').length +
        modules.filter(module => module.errors().length > 0).length +
        unhandledErrors.length
    },
  }
}
