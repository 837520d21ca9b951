// The world of a node under test: real expressions, no network unless given, an attempt nobody aborts.
import jsonata from 'jsonata'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { NodeContext, Scope } from '../../src/node/node-type.ts'

export type GivenContext = Partial<NodeContext> & { readonly input?: Json }

export function nodeContext({ input = null, ...given }: GivenContext = {}): NodeContext {
  const scope: Scope = given.scope ?? { input, nodes: {}, vars: {}, trigger: {}, execution: {} }
  return {
    scope,
    taken: [],
    attempt: 1,
    now: new Date('2026-01-01T00:00:00Z'),
    idempotencyKey: '01890a5d-ac96-774b-bcce-b302099a8057',
    signal: new AbortController().signal,
    log: silentLogger,
    http: { request: () => Promise.reject(new Error('this test gave no HTTP client')) },
    traceparent: '00-01890a5dac96774bbccea302099a8057-bcceb302099a8057-01',
    secret: () => Promise.reject(new Error('this test gave no secret')),
    timeout: 30_000,
    evaluate: (expression, extra) => evaluate(expression, { ...scope, ...extra } as JsonObject),
    ...given,
  }
}

/** In this process, by jsonata itself. */
export async function evaluate(expression: string, scope: JsonObject): Promise<Json | undefined> {
  const value = await jsonata(expression).evaluate(scope)
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
