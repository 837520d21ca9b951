// What every node type promises, as tests: `nodeTypeSuite(myType, fixtures)` in a test file runs them all.
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/base/json.ts'
import { checkStorable } from '../../src/base/json-limits.ts'
import { checkSchema } from '../../src/base/schema.ts'
import { ExpressionError } from '../../src/expression/expression.ts'
import type { NodeContext, NodeType, Outcome } from '../../src/node/node-type.ts'
import { type GivenContext, nodeContext } from '../support/node-context.ts'

export interface Case {
  readonly name: string
  readonly config: JsonObject
  readonly context?: GivenContext
}

export interface NodeTypeFixtures {
  /** Attempts that complete; at least one. */
  readonly completes: readonly Case[]
  /** Attempts that fail because of the config or the data, each with the code it fails with. */
  readonly fails: readonly (Case & { readonly code: string })[]
  /** An attempt that does not end by itself, and when it has begun to wait. None where a type never waits. */
  readonly hangs?: Case & { readonly waiting: () => Promise<unknown> }
}

/** Executors must end this soon after their signal, milliseconds. */
const PATIENCE_MS = 100
/** A machine that stalls is not the type's fault; one that stalls three times in a row is not the machine's. */
const timed = { retry: 2 }

export function nodeTypeSuite(nodeType: NodeType, fixtures: NodeTypeFixtures): void {
  describe(`node type ${nodeType.type}`, () => {
    describeConfig(nodeType, fixtures)
    describeOutcomes(nodeType, fixtures)
    describeAbort(nodeType, fixtures)
  })
}

function describeConfig(nodeType: NodeType, { completes }: NodeTypeFixtures): void {
  const { configSchema, summary, expressions } = nodeType

  test('says in one sentence what it does', () => {
    expect(summary).toMatch(/^[A-Z][^\n]+\.$/)
  })

  test('describes every field of its config', () => {
    expect(undescribed(configSchema as Schema, 'config')).toEqual([])
  })

  test('names only fields of its config as expressions', () => {
    expect(Object.keys((configSchema as Schema).properties ?? {})).toEqual(expect.arrayContaining([...expressions]))
  })

  test('has at least one config that completes', () => {
    expect(completes.length).toBeGreaterThan(0)
  })

  test.each(completes)('$name: accepts the config, also after a round trip through JSON', ({ config }) => {
    for (const same of [config, JSON.parse(JSON.stringify(config))]) {
      expect(checkSchema(configSchema, same, 'config')).toEqual([])
      expect(nodeType.check?.(same) ?? []).toEqual([])
    }
  })

  test.each(completes)('$name: refuses a field it does not know', ({ config }) => {
    const problems = checkSchema(configSchema, { ...config, surprise: 1 }, 'config')
    expect(problems.map(({ path }) => path)).toEqual(['config.surprise'])
  })
}

function describeOutcomes(nodeType: NodeType, { completes, fails }: NodeTypeFixtures): void {
  test.each(completes)(
    '$name: completes with an output that can be stored, and names branches if it is a type that does',
    async given => {
      const outcome = await run(nodeType, given)
      expect(outcome.kind).toBe('completed')
      if (outcome.kind === 'completed') {
        expect(checkStorable(outcome.output)).toBeNull()
        expect(JSON.parse(JSON.stringify(outcome.output))).toEqual(outcome.output)
        expect(outcome.branches !== undefined).toBe(nodeType.branches === true)
      }
    },
  )

  test.each(completes)('$name: gives the same outcome for the same input', async given => {
    expect(await run(nodeType, given)).toEqual(await run(nodeType, given))
  })

  test.each(fails)('$name: fails with $code and one line a user can act on', async given => {
    const outcome = await run(nodeType, given)
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: given.code } })
    if (outcome.kind === 'failed') {
      expect(outcome.error.code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(outcome.error.message).toMatch(/^[^\n]{10,}$/)
      expect(checkStorable(outcome.error.message)).toBeNull()
      expect(checkStorable(outcome.error.details ?? {})).toBeNull()
    }
  })
}

function describeAbort(nodeType: NodeType, { completes, fails, hangs }: NodeTypeFixtures): void {
  test.each([...completes, ...fails])('$name: ends at once when it was aborted before it began', timed, async given => {
    const started = performance.now()
    await run(nodeType, given, { signal: AbortSignal.abort() })
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS)
  })

  if (hangs === undefined) return
  const { waiting, ...given } = hangs

  test('fails at once when it is aborted while it waits', timed, async () => {
    const controller = new AbortController()
    const attempt = run(nodeType, given, { signal: controller.signal })
    await waiting()
    const aborted = performance.now()
    controller.abort()
    expect((await attempt).kind).toBe('failed')
    expect(performance.now() - aborted).toBeLessThan(PATIENCE_MS)
  })

  test('ends with its timeout', timed, async () => {
    const timeout = 50
    const started = performance.now()
    const outcome = await run(nodeType, given, { timeout, signal: AbortSignal.timeout(timeout) })
    expect(outcome.kind).toBe('failed')
    expect(performance.now() - started).toBeLessThan(timeout + PATIENCE_MS)
  })
}

/** One attempt as the engine makes it, on data that cannot be changed. */
async function run(nodeType: NodeType, given: Case, more: Partial<NodeContext> = {}): Promise<Outcome> {
  const { scope, taken, ...context } = nodeContext({ ...given.context, ...more })
  try {
    const frozen = { ...context, scope: deepFreeze(scope), taken: deepFreeze(taken) }
    return await nodeType.execute(deepFreeze(given.config), frozen)
  } catch (error) {
    if (error instanceof ExpressionError)
      return { kind: 'failed', error: { code: error.code, message: error.message, retryable: false } }
    throw error
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

interface Schema {
  readonly description?: string
  readonly properties?: { readonly [field: string]: Schema }
}

function undescribed({ properties = {} }: Schema, path: string): string[] {
  return Object.entries(properties).flatMap(([field, schema]) => [
    ...(schema.description ? [] : [`${path}.${field}`]),
    ...undescribed(schema, `${path}.${field}`),
  ])
}
