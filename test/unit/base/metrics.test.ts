import { expect, test } from 'vitest'
import { createMetrics } from '../../../src/base/metrics.ts'

test('counters with known labels start at zero', async () => {
  const { body } = await createMetrics().expose()
  expect(body).toContain('mbflow_fires_total{type="webhook",disposition="skipped"} 0')
  expect(body).toContain('mbflow_executions_total{status="failed"} 0')
})

test('a gauge that nobody provides is absent', async () => {
  expect((await createMetrics().expose()).body).not.toMatch(/^mbflow_tick_age_seconds /m)
})

test('a gauge is read when it is scraped', async () => {
  const metrics = createMetrics()
  let age = 1
  metrics.tickAge.provide(() => age)
  age = 2
  expect((await metrics.expose()).body).toMatch(/^mbflow_tick_age_seconds 2$/m)
})

test('a poller that has never ticked is infinitely old', async () => {
  const metrics = createMetrics()
  metrics.tickAge.provide(() => Number.POSITIVE_INFINITY)
  expect((await metrics.expose()).body).toMatch(/^mbflow_tick_age_seconds \+Inf$/m)
})

test('two sets of metrics in one process do not mix', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.fenced.inc()
  expect((await other.expose()).body).toMatch(/^mbflow_fenced_total 0$/m)
})
