import { expect, test } from 'vitest'
import { checkSchema } from '../../../src/base/schema.ts'
import { checkWebhookConfig } from '../../../src/trigger/webhook-check.ts'
import { webhookConfigSchema } from '../../../src/trigger/webhook-config.ts'

const secrets = ['hook_secret']
const github = { scheme: 'github', secrets }

/** What a document is told; `path message (hint)` each. */
function problemsOf(config: Parameters<typeof checkWebhookConfig>[0]): string[] {
  const ofSchema = checkSchema(webhookConfigSchema, config, '')
  const found = ofSchema.length > 0 ? ofSchema : checkWebhookConfig(config)
  return found.map(({ path, message, hint }) => `${path} ${message}${hint === undefined ? '' : ` (${hint})`}`)
}

test.each([
  { auth: { scheme: 'none' } },
  { auth: { scheme: 'standard_webhooks', secrets: ['new', 'old'], tolerance: '10m' } },
  { auth: github, allow_from: ['192.30.252.0/22', '2a0a:a440::/29', '192.0.2.1'] },
  { auth: { scheme: 'stripe', secrets }, respond: 'result', respond_within: '5s' },
  { auth: { scheme: 'slack', secrets }, body: ['json', 'form'] },
  { auth: { scheme: 'hmac', secrets, header: 'X-Shopify-Hmac-Sha256', encoding: 'base64' } },
  {
    auth: {
      scheme: 'hmac',
      secrets,
      header: 'x-zm-signature',
      prefix: 'v0=',
      timestamp: { header: 'x-zm-request-timestamp' },
      signed: 'v0:{timestamp}:{body}',
    },
    challenge: 'zoom',
  },
  {
    auth: {
      scheme: 'hmac',
      secrets,
      header: 'x-sig',
      timestamp: { header: 'x-time', unit: 'milliseconds', tolerance: '1m' },
    },
  },
  {
    auth: { scheme: 'api_key', secrets, header: 'Authorization', prefix: 'Bearer ' },
    delivery_id: { path: 'data.id' },
  },
  { auth: { scheme: 'api_key', secrets, query: 'key' }, methods: ['GET', 'POST'] },
  { auth: { scheme: 'basic', secrets, username: 'hook' }, delivery_id: { header: 'X-Request-Id' } },
  { auth: github, challenge: 'meta', challenge_secret: 'verify', max_bytes: 65_536, max_per_minute: 600 },
])('$auth.scheme is a webhook', config => {
  expect(problemsOf(config)).toEqual([])
})

const timestamp = { header: 'x-time' }
const hmac = { scheme: 'hmac', secrets, header: 'x-sig' }
const key = { scheme: 'api_key', secrets }

test.each([
  [{}, 'auth is required'],
  [{ auth: { secrets } }, 'auth.scheme is required'],
  [{ auth: { scheme: 'githib', secrets } }, 'did you mean "github"?'],
  [{ auth: { scheme: 'github' } }, 'auth.secrets is required'],
  [{ auth: { scheme: 'github', secrets: [] } }, 'auth.secrets must not be empty'],
  [{ auth: { scheme: 'github', secrets: ['a', 'b', 'c', 'd'] } }, 'auth.secrets must have at most 3 items'],
  [{ auth: { scheme: 'github', secrets: ['a', 'a'] } }, 'auth.secrets[1] a is there twice'],
  [
    { auth: { scheme: 'github', secrets: ['whsec-MfKQ9r8G='] } },
    'auth.secrets[0] must be the name of a secret (letters, digits and _), not the secret itself',
  ],
  [{ auth: { ...github, tolerance: '5m' } }, 'auth.tolerance is not a known field (known fields: scheme, secrets)'],
  [{ auth: { scheme: 'slack', secrets, tolerance: '5' } }, 'auth.tolerance "5" is not a duration'],
  [{ auth: { scheme: 'slack', secrets, tolerance: '2d' } }, 'auth.tolerance must be at most 1d, is 2d'],
  [{ auth: { scheme: 'none', secrets } }, 'auth.secrets is not a known field (known fields: scheme)'],
  [{ auth: { scheme: 'hmac', secrets } }, 'auth.header is required'],
  [
    { auth: { ...hmac, header: 'X Sig' } },
    'auth.header "X Sig" is not the name of a header; write one like X-Signature',
  ],
  [{ auth: { ...hmac, algorithm: 'md5' } }, 'auth.algorithm must be one of "sha1", "sha256", "sha512"; is "md5"'],
  [{ auth: { ...hmac, signed: '{id}.{body}' } }, 'auth.signed {id} is not known (known are {body} and {timestamp})'],
  [{ auth: { ...hmac, signed: 'body' } }, 'auth.signed must hold {body} once'],
  [{ auth: { ...hmac, signed: '{body}{body}' } }, 'auth.signed must hold {body} once'],
  [{ auth: { ...hmac, signed: '{timestamp}{body}' } }, 'auth.signed holds {timestamp}, but there is no timestamp'],
  [{ auth: { ...hmac, signed: '{body}', timestamp } }, 'auth.signed must hold {timestamp} (a time that is not signed'],
  [{ auth: key }, 'auth needs header or query (say where the key is, such as header: X-Api-Key)'],
  [{ auth: { ...key, header: 'x-key', query: 'key' } }, 'auth.query stands beside header'],
  [{ auth: { ...key, query: 'key', prefix: 'Bearer ' } }, 'auth.prefix needs header'],
  [{ auth: { scheme: 'basic', secrets, username: 'a:b' } }, 'auth.username must not hold a colon'],
  [{ auth: github, delivery_id: {} }, 'delivery_id needs either header or path'],
  [{ auth: github, delivery_id: { header: 'x-id', path: 'id' } }, 'delivery_id needs either header or path'],
  [{ auth: github, delivery_id: { path: 'a..b' } }, 'delivery_id.path "a..b" is not a path; write one like event.id'],
  [{ auth: github, delivery_id: { path: 'id' }, body: ['text'] }, 'delivery_id.path finds nothing in text'],
  [{ auth: github, allow_from: ['192.0.2.0/33'] }, 'allow_from[0] "192.0.2.0/33" is not an address or a range'],
  [{ auth: github, allow_from: ['github.com'] }, 'allow_from[0] "github.com" is not an address or a range'],
  [{ auth: github, methods: [] }, 'methods must not be empty'],
  [{ auth: github, methods: ['Post'] }, 'did you mean "POST"?'],
  [{ auth: github, methods: ['POST', 'POST'] }, 'methods[1] POST is there twice'],
  [{ auth: github, body: ['multipart'] }, 'body[0] must be one of "json", "form", "text"; is "multipart"'],
  [{ auth: github, max_bytes: 10_000_000 }, 'max_bytes must be at most 1048576, is 10000000'],
  [{ auth: github, max_per_minute: 0 }, 'max_per_minute must be at least 1, is 0'],
  [{ auth: github, challenge: 'facebook' }, 'challenge must be one of "slack", "zoom", "meta"'],
  [{ auth: github, challenge: 'meta' }, 'challenge_secret is required: the challenge meta comes with a verify token'],
  [{ auth: github, challenge_secret: 'a' }, 'challenge_secret needs challenge: meta'],
  [{ auth: github, challenge: 'zoom' }, 'challenge zoom needs auth.scheme: hmac'],
  [{ auth: github, respond: 'results' }, 'did you mean "result"?'],
  [{ auth: github, respond_within: '5s' }, 'respond_within needs respond: result'],
  [{ auth: github, respond: 'result', respond_within: '2m' }, 'respond_within must be at most 55s, is 2m'],
  [{ auth: github, secret: 'a' }, 'secret is not a known field'],
])('%j is refused: %s', (config, problem) => {
  expect(problemsOf(config)).toEqual([expect.stringContaining(problem)])
})

test('a config of which only some fields fit is checked as far as it goes', () => {
  expect(
    checkWebhookConfig({ challenge: 'zoom', respond_within: '5s', delivery_id: {} }).map(({ path }) => path),
  ).toEqual(['delivery_id', 'respond_within'])
})
