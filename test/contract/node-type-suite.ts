// What every node type promises, as tests: `nodeTypeSuite(myType, fixtures)` in a test file runs them all.

import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { HttpClient } from '../../src/base/http-client.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { checkStorable } from '../../src/base/json-limits.ts'
import { checkSchema } from '../../src/base/schema.ts'
import type { NodeType, Outcome } from '../../src/node/node-type.ts'
import { attemptOf, type Given } from '../support/attempt-of.ts'
import { formsOf } from '../support/canary.ts'

export interface Case {
  readonly name: string
  readonly config: JsonObject
  readonly context?: Given
}

export interface NodeTypeFixtures {
  /** Attempts that complete. */
  readonly completes: readonly Case[]
  /** Attempts after which the node waits; of these and of those that complete at least one. */
  readonly parks?: readonly Case[]
  /** Attempts after which what follows is to run for each item. */
  readonly splits?: readonly Case[]
  /** Attempts that fail because of the config or the data, each with the code it fails with. */
  readonly fails: readonly (Case & { readonly code: string })[]
  /** An attempt that does not end by itself, and when it has begun to wait. None where a type never waits. */
  readonly hangs?: Case & { readonly waiting: () => Promise<unknown> }
}

/** By the names of the types. */
export type Fixtures = { readonly [type: string]: NodeTypeFixtures }

/** Executors must end this soon after their signal, milliseconds. */
const PATIENCE_MS = 100
/** A machine that stalls is not the type's fault; one that stalls three times in a row is not the machine's. */
const timed = { retry: 2 }

export function nodeTypeSuite(nodeType: NodeType, fixtures: NodeTypeFixtures): void {
  describe(`node type ${nodeType.type}`, () => {
    describeConfig(nodeType, fixtures)
    describeOutcomes(nodeType, fixtures)
    describeEffects(nodeType, fixtures)
    describeAbort(nodeType, fixtures)
  })
}

function describeConfig(nodeType: NodeType, { completes, parks = [], splits = [] }: NodeTypeFixtures): void {
  const succeeds = [...completes, ...parks, ...splits]
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

  test('lets secrets be inserted into fields of its config, and into no expression', () => {
    const { secrets = [] } = nodeType
    expect(Object.keys((configSchema as Schema).properties ?? {})).toEqual(expect.arrayContaining([...secrets]))
    expect(secrets.filter(field => expressions.includes(field))).toEqual([])
  })

  test('has at least one config that completes, or waits', () => {
    expect(succeeds.length).toBeGreaterThan(0)
  })

  test.each(succeeds)('$name: accepts the config, also after a round trip through JSON', ({ config }) => {
    for (const same of [config, JSON.parse(JSON.stringify(config))]) {
      expect(checkSchema(configSchema, same, 'config')).toEqual([])
      expect(nodeType.check?.(same) ?? []).toEqual([])
    }
  })

  test.each(succeeds)('$name: refuses a field it does not know', ({ config }) => {
    const problems = checkSchema(configSchema, { ...config, surprise: 1 }, 'config')
    expect(problems.map(({ path }) => path)).toEqual(['config.surprise'])
  })

  test('refuses what it does not know within the fields of its config as well', () => {
    expect(openObjects(configSchema as Schema, 'config')).toEqual([])
  })
}

function describeOutcomes(nodeType: NodeType, { completes, fails, parks = [], splits = [] }: NodeTypeFixtures): void {
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

  test.each(parks)('$name: waits until some time, and what it then comes to can be stored', async given => {
    const outcome = await run(nodeType, given)
    expect(outcome.kind).toBe('parked')
    if (outcome.kind === 'parked') {
      const { until, end } = outcome
      expect(new Date(typeof until === 'number' ? Date.now() + until : until).getTime()).not.toBeNaN()
      if (end?.kind === 'completed') expect(end.branches !== undefined).toBe(nodeType.branches === true)
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
    }
  })

  test.each(splits)('$name: gives items that can be stored', async given => {
    const outcome = await run(nodeType, given)
    expect(outcome.kind).toBe('split')
    if (outcome.kind === 'split') {
      expect(checkStorable(outcome.items)).toBeNull()
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
    }
  })

  test.each([...completes, ...parks, ...splits])('$name: gives the same outcome for the same input', async given => {
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

const CANARY = 'canary/sk-4f+d1c2e9'
const canaryForms = formsOf(CANARY)

function describeEffects(nodeType: NodeType, { completes, fails, parks = [], splits = [] }: NodeTypeFixtures): void {
  const cases = [...completes, ...parks, ...splits, ...fails]

  test.each(cases)('$name: shows no secret, neither in what it gives nor in the log', async given => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: line => void lines.push(line) })
    const outcome = await run(nodeType, given, { secret: CANARY, log })
    const shown = `${JSON.stringify(outcome)} ${lines.join('')}`
    for (const form of canaryForms) expect(shown).not.toContain(form)
  })

  test.each(cases)('$name: asks others under the same idempotency key in every attempt', async given => {
    const keysOf = async (attempt: number): Promise<unknown[]> => {
      const keys: unknown[] = []
      const http: HttpClient = {
        request(request) {
          keys.push(request.headers?.['idempotency-key'] ?? request.headers?.['webhook-id'])
          return given.context?.http?.request(request) ?? Promise.reject(new Error('this case has no network'))
        },
      }
      await run(nodeType, given, { attempt, http })
      return keys
    }
    expect(await keysOf(2)).toEqual(await keysOf(1))
  })
}

function describeAbort(
  nodeType: NodeType,
  { completes, fails, parks = [], splits = [], hangs }: NodeTypeFixtures,
): void {
  test.each([...completes, ...parks, ...splits, ...fails])(
    '$name: ends at once when it was aborted before it began',
    timed,
    async given => {
      const started = performance.now()
      const outcome = await run(nodeType, given, { signal: AbortSignal.abort() })
      expect(performance.now() - started).toBeLessThan(PATIENCE_MS)
      expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NODE_ABORTED' } })
    },
  )

  if (hangs === undefined) return
  const { waiting, ...given } = hangs

  test('fails at once when it is aborted while it waits', timed, async () => {
    const controller = new AbortController()
    const begun = waiting()
    const attempt = run(nodeType, given, { signal: controller.signal })
    await begun
    const aborted = performance.now()
    controller.abort()
    expect((await attempt).kind).toBe('failed')
    expect(performance.now() - aborted).toBeLessThan(PATIENCE_MS)
  })

  test('ends with its timeout, and can be tried again', timed, async () => {
    const timeout_ms = 50
    const started = performance.now()
    const outcome = await run(nodeType, given, { timeout_ms })
    expect(performance.now() - started).toBeLessThan(timeout_ms + PATIENCE_MS)
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NODE_TIMEOUT', retryable: true } })
  })
}

function run(nodeType: NodeType, { config, context }: Case, more: Given = {}): Promise<Outcome> {
  return attemptOf(nodeType, config, { ...context, ...more })
}

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: { readonly [field: string]: Schema }
  readonly additionalProperties?: unknown
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

function undescribed({ properties = {}, items, anyOf = [] }: Schema, path: string): string[] {
  return [
    ...Object.entries(properties).flatMap(([field, schema]) => [
      ...(schema.description ? [] : [`${path}.${field}`]),
      ...undescribed(schema, `${path}.${field}`),
    ]),
    ...(items ? undescribed(items, `${path}[]`) : []),
    ...anyOf.flatMap(kind => undescribed(kind, path)),
  ]
}

/** Objects with named fields that would take others too. */
function openObjects({ properties, additionalProperties, items, anyOf = [] }: Schema, path: string): string[] {
  return [
    ...(properties !== undefined && additionalProperties !== false ? [path] : []),
    ...Object.entries(properties ?? {}).flatMap(([field, schema]) => openObjects(schema, `${path}.${field}`)),
    ...(items ? openObjects(items, `${path}[]`) : []),
    ...anyOf.flatMap(kind => openObjects(kind, path)),
  ]
}
