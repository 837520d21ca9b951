// docs/errors.md lists every error there is, with its exit code.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ErrorCode, errorKinds, MbflowError } from '../../../src/base/errors.ts'
import { reportFailure } from '../../../src/cli/failure.ts'
import { refusalStatuses } from '../../../src/inbox/refusal.ts'
import { recorder } from '../cli/recorder.ts'
import { ROOT, readPage } from './pages.ts'

const [ofCommands, ofNodes, ofWebhooks] = readPage('docs/errors.md').tables.map(({ rows }) =>
  rows.map(([code = '', cell = '']) => ({ code: code.replaceAll('`', ''), cell })),
)

test('every error of a command is listed with its exit code', () => {
  const codes = Object.keys(errorKinds) as ErrorCode[]
  const exits = codes.map(code => ({
    code,
    cell: String(reportFailure(new MbflowError(code, ''), recorder().stream, true)),
  }))
  expect(ofCommands).toEqual(exits.sort((a, b) => (a.code < b.code ? -1 : 1)))
})

test('every error of a node or an execution is listed', () => {
  const files = globSync(['src/{node,execution,expression}/**/*.ts', 'src/base/{http-*,secrets}.ts'], { cwd: ROOT })
  const named = files.flatMap(
    file => readFileSync(`${ROOT}${file}`, 'utf8').match(/(?<=')[A-Z]+(_[A-Z]+)+(?=')/g) ?? [],
  )
  // A lookup that finds nothing is the command's.
  const codes = [...new Set(named)].filter(code => !(code in errorKinds)).sort()
  expect(ofNodes?.map(({ code }) => code)).toEqual(codes)
})

test('every refusal of a webhook is listed with its status', () => {
  const refusals = Object.entries({ ...refusalStatuses, DATABASE_UNAVAILABLE: 503 })
  const codes = refusals.map(([code, status]) => ({ code, cell: String(status) }))
  expect(ofWebhooks).toEqual(codes.sort((a, b) => (a.code < b.code ? -1 : 1)))
})
