// docs/expressions.md: every example gives what the page says it gives.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createEvaluator } from '../../src/expression/evaluator.ts'
import { strictly } from '../../src/expression/missing.ts'
import { renderTemplates } from '../../src/expression/template.ts'
import { codeIn, readPage } from '../unit/docs/pages.ts'

// Time enough on a busy machine; one of the examples takes all of it.
const evaluator = createEvaluator({ log: silentLogger, size: 1, timeoutMs: 4_000 })
beforeAll(evaluator.start)
afterAll(evaluator.stop)

const page = readPage('docs/expressions.md')
const scope = JSON.parse(page.blocks.find(({ info }) => info === 'json scope')?.text ?? '') as JsonObject
const examples = page.tables
  .filter(({ head }) => head[1] === 'gives')
  .flatMap(({ head: [what = ''], rows }) =>
    rows.map(([written = '', gives = '']) => ({ what, written: codeIn(written), gives: codeIn(gives) })),
  )

test('there are examples to evaluate', () => {
  expect(examples.length).toBeGreaterThan(50)
})

test.each(examples)('$what $written gives $gives', async ({ what, written, gives }) => {
  const template = what === 'template' ? written : `{{ ${written} }}`
  const sources = what === 'strict expression' ? strictly(evaluator) : evaluator
  const found = await renderTemplates(template, scope, sources).catch((error: { code: string }) => ({
    failed: error.code,
  }))
  const code = /^EXPRESSION_[A-Z_]+$/.test(gives) ? gives : undefined
  expect(found).toEqual(code === undefined ? (JSON.parse(gives) as Json) : { failed: code })
})
