// docs/errors.md lists every error there is, with its exit code.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ErrorCode, errorKinds, MbflowError } from '../../../src/base/errors.ts'
import { reportFailure } from '../../../src/cli/failure.ts'
import { ExpressionError, type ExpressionErrorCode, mayPass } from '../../../src/expression/expression.ts'
import { refusalStatuses } from '../../../src/inbox/refusal.ts'
import { recorder } from '../cli/recorder.ts'
import { ROOT, readPage } from './pages.ts'

const [ofCommands, ofNodes, ofWebhooks, ofRequests] = readPage('docs/errors.md').tables.map(({ rows }) =>
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

test('whether an expression is worth another attempt is said as it is', () => {
  const said = ofNodes?.filter(({ code }) => code.startsWith('EXPRESSION_')) ?? []
  const told = said.map(({ code }) => ({
    code,
    cell: mayPass(new ExpressionError(code as ExpressionErrorCode, '')) ? 'yes' : 'no',
  }))
  expect(said).toEqual(told)
  expect(said.length).toBeGreaterThan(5)
})

test('every problem an HTTP request is answered with is listed with its status, but for those of commands', () => {
  const files = globSync('src/http/**/*.ts', { cwd: ROOT })
  const named = files.flatMap(file => [
    ...readFileSync(`${ROOT}${file}`, 'utf8').matchAll(/\b([45]\d\d)[,:] '([A-Z]+(?:_[A-Z]+)*)'/g),
  ])
  const answers = named
    .map(([, status = '', code = '']) => ({ code, cell: status }))
    .filter(({ code }) => !(code in errorKinds))
  const codes = [...new Map(answers.map(answer => [answer.code, answer])).values()]
  expect(ofRequests).toEqual(codes.sort((a, b) => (a.code < b.code ? -1 : 1)))
})

test('every refusal of a webhook is listed with its status', () => {
  const refusals = Object.entries({ ...refusalStatuses, DATABASE_UNAVAILABLE: 503 })
  const codes = refusals.map(([code, status]) => ({ code, cell: String(status) }))
  expect(ofWebhooks).toEqual(codes.sort((a, b) => (a.code < b.code ? -1 : 1)))
})
