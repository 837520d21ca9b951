import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusalStatuses } from '../../../src/inbox/refusal.ts'
import type { InboundRequest } from '../../../src/inbox/request.ts'
import { verify } from '../../../src/inbox/verification.ts'
import type { WebhookAuth } from '../../../src/trigger/webhook-config.ts'
import { requestWith } from './requests.ts'

interface Vector {
  readonly auth: WebhookAuth
  /** What signed it. */
  readonly secret: string
  readonly request: InboundRequest
  /** Epoch seconds; null where the scheme has no time. */
  readonly signedAt: number | null
  /** The header of the signature, and what it holds besides the digest. */
  readonly header: string
}

const secrets = ['a']

/** What providers and standards publish; zoom's and stripe's were made with another language's library. */
const vectors: { readonly [name: string]: Vector } = {
  'Standard Webhooks': {
    auth: { scheme: 'standard_webhooks', secrets },
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    signedAt: 1_614_265_330,
    header: 'webhook-signature',
    request: requestWith({
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
    }),
  },
  GitHub: {
    auth: { scheme: 'github', secrets },
    secret: "It's a Secret to Everybody",
    signedAt: null,
    header: 'x-hub-signature-256',
    request: requestWith({
      headers: {
        'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      },
      body: 'Hello, World!',
    }),
  },
  Stripe: {
    auth: { scheme: 'stripe', secrets },
    secret: 'whsec_test_secret',
    signedAt: 1_492_774_577,
    header: 'stripe-signature',
    request: requestWith({
      headers: {
        'stripe-signature': 't=1492774577,v1=88a022085c6bdb887b02cb26ff76dd681234d9675c0f22844059f55552a8883a',
      },
      body: '{"id":"evt_test_webhook","object":"event"}',
    }),
  },
  Slack: {
    auth: { scheme: 'slack', secrets },
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    signedAt: 1_531_420_618,
    header: 'x-slack-signature',
    request: requestWith({
      headers: {
        'x-slack-request-timestamp': '1531420618',
        'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      },
      body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    }),
  },
  'HMAC-SHA-256 in hex (RFC 4231, case 2)': rfcVector('sha256', {
    'x-signature': '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  }),
  'HMAC-SHA-512 in base64 (RFC 4231, case 2)': rfcVector(
    'sha512',
    { 'x-signature': 'Fkt6e/z4GeLjlfvnO1bgo4e9ZCIugx/WECcM1+olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw==' },
    'base64',
  ),
  'HMAC-SHA-1 in hex (RFC 2202, case 2)': rfcVector('sha1', {
    'x-signature': 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  }),
  'a template with a prefix, as Zoom signs': {
    auth: {
      scheme: 'hmac',
      secrets,
      header: 'X-Zm-Signature',
      prefix: 'v0=',
      timestamp: { header: 'X-Zm-Request-Timestamp' },
      signed: 'v0:{timestamp}:{body}',
    },
    secret: 'zoomsecret',
    signedAt: 1_739_923_528,
    header: 'x-zm-signature',
    request: requestWith({
      headers: {
        'x-zm-request-timestamp': '1739923528',
        'x-zm-signature': 'v0=fbf38f296e9fb80da0779649c36bd6a0c3a73061e1aeb03fc95fcffcbb44b0b1',
      },
      body: '{"a":1}',
    }),
  },
}

function rfcVector(
  algorithm: 'sha1' | 'sha256' | 'sha512',
  headers: Record<string, string>,
  encoding: 'hex' | 'base64' = 'hex',
): Vector {
  return {
    auth: { scheme: 'hmac', secrets, header: 'X-Signature', algorithm, encoding },
    secret: 'Jefe',
    signedAt: null,
    header: 'x-signature',
    request: requestWith({ headers, body: 'what do ya want for nothing?' }),
  }
}

const named = Object.entries(vectors)
const timed = named.filter(([, { signedAt }]) => signedAt !== null)

const nowOf = ({ signedAt }: Vector): number => (signedAt ?? 0) * 1_000

function codeOf(
  { auth, secret, request, ...vector }: Vector,
  { now = nowOf({ auth, secret, request, ...vector }), active = [secret] } = {},
) {
  return verify(auth, request, { secrets: active, now })?.code ?? 'accepted'
}

const withHeaders = (vector: Vector, headers: InboundRequest['headers']): Vector => ({
  ...vector,
  request: { ...vector.request, headers: { ...vector.request.headers, ...headers } },
})

const changed = (vector: Vector, change: (text: string) => string): Vector =>
  withHeaders(vector, { [vector.header]: change(String(vector.request.headers[vector.header])) })

describe.each(named)('%s', (_, vector) => {
  test('is accepted as published', () => {
    expect(codeOf(vector)).toBe('accepted')
  })

  test('is accepted by any of the active secrets, in any order', () => {
    expect(codeOf(vector, { active: ['whsec_AAAA', vector.secret] })).toBe('accepted')
    expect(codeOf(vector, { active: [vector.secret, 'whsec_AAAA'] })).toBe('accepted')
  })

  test('is refused by other secrets', () => {
    expect(codeOf(vector, { active: ['whsec_AAAA', `${vector.secret}BBBB`] })).toBe('SIGNATURE_WRONG')
  })

  test('is refused with any byte of the body changed, removed or added', () => {
    const { body } = vector.request
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const tampered = Buffer.from(body)
        tampered[at] = (tampered[at] ?? 0) ^ flip
        for (const other of [tampered, body.subarray(0, at), Buffer.concat([body, Buffer.from([flip])])])
          expect(codeOf({ ...vector, request: { ...vector.request, body: other } })).toBe('SIGNATURE_WRONG')
      }),
      { numRuns: 50 },
    )
  })

  test('is refused without its signature', () => {
    expect(codeOf(withHeaders(vector, { [vector.header]: undefined }))).toBe('SIGNATURE_MISSING')
    expect(codeOf(withHeaders(vector, { [vector.header]: ' ' }))).toBe('SIGNATURE_MISSING')
  })

  test.each([
    ['cut short', (text: string) => text.slice(0, -8)],
    ['extended', (text: string) => `${text}AAAA`],
    ['of another digest', (text: string) => text.replace(/[A-Za-z\d+/]{4}(=*)$/, 'ABCD$1')],
    ['left empty', (text: string) => text.replace(/[^,=]{9,}=*$/, '')],
    ['without prefix', (text: string) => text.replace(/^v\d[=,]|^sha256=|v1=/, '')],
    ['no digest', () => 'let me in, please'],
  ])('is refused with its signature %s', (_how, change) => {
    const forged = changed(vector, change)
    if (forged.request.headers[vector.header] === vector.request.headers[vector.header]) return // it has no prefix
    expect(codeOf(forged)).toMatch(/^SIGNATURE_(WRONG|MALFORMED|MISSING)$/)
  })

  test('is refused while no secret is active', () => {
    expect(codeOf(vector, { active: [] })).toBe('SECRET_UNUSABLE')
    expect(codeOf(vector, { active: [''] })).toBe('SECRET_UNUSABLE')
  })
})

describe.each(timed)('the time of %s', (_, vector) => {
  const at = nowOf(vector)

  test.each([-300_000, -1, 0, 1, 300_000])('may lie %i ms from now', distance => {
    expect(codeOf(vector, { now: at + distance })).toBe('accepted')
  })

  test.each([-300_001, 300_001, 86_400_000])('may not lie %i ms from now', distance => {
    expect(codeOf(vector, { now: at + distance })).toBe('TIMESTAMP_OUTSIDE')
  })

  test('cannot be moved: it is signed', () => {
    const later = String((vector.signedAt ?? 0) + 1)
    const headers = Object.entries(vector.request.headers).map(([name, text]) => [
      name,
      String(text).replace(String(vector.signedAt), later),
    ])
    expect(codeOf(withHeaders(vector, Object.fromEntries(headers)), { now: at + 1_000 })).toBe('SIGNATURE_WRONG')
  })

  test.each(['', 'soon', '-1', '1e9', '1492774577.5', '999999999999999'])('is refused written as %j', text => {
    const headers = Object.entries(vector.request.headers).map(([name, value]) => [
      name,
      String(value).replace(String(vector.signedAt), text),
    ])
    expect(codeOf(withHeaders(vector, Object.fromEntries(headers)))).toMatch(/^SIGNATURE_(MISSING|MALFORMED)$/)
  })
})

function vector(name: string): Vector {
  const found = vectors[name]
  if (found === undefined) throw new Error(`there is no vector ${name}`)
  return found
}

test.each(['standard_webhooks', 'stripe', 'slack'] as const)('%s takes the tolerance of its config', scheme => {
  const [, known] = named.find(([, { auth }]) => auth.scheme === scheme) ?? []
  if (known === undefined) throw new Error('there is no vector')
  const wide: Vector = { ...known, auth: { scheme, secrets, tolerance: '1h' } }
  expect(codeOf(wide, { now: nowOf(known) + 3_600_000 })).toBe('accepted')
  expect(codeOf(wide, { now: nowOf(known) + 3_600_001 })).toBe('TIMESTAMP_OUTSIDE')
})

test('Standard Webhooks takes the right one of several signatures, and ignores other versions', () => {
  const other = 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
  const right = String(vector('Standard Webhooks').request.headers['webhook-signature'])
  for (const text of [`${other} ${right}`, `${right} ${other}`, `v1a,AAAA ${right}`, `${other}, ${right}`])
    expect(codeOf(changed(vector('Standard Webhooks'), () => text))).toBe('accepted')
  expect(codeOf(changed(vector('Standard Webhooks'), () => `v1a,AAAA v2,AAAA`))).toBe('SIGNATURE_MALFORMED')
})

test('Standard Webhooks takes a key without its prefix, and the id as part of what is signed', () => {
  const { secret } = vector('Standard Webhooks')
  expect(codeOf(vector('Standard Webhooks'), { active: [secret.slice('whsec_'.length)] })).toBe('accepted')
  expect(codeOf(withHeaders(vector('Standard Webhooks'), { 'webhook-id': 'msg_other' }))).toBe('SIGNATURE_WRONG')
  expect(codeOf(withHeaders(vector('Standard Webhooks'), { 'webhook-id': undefined }))).toBe('SIGNATURE_MISSING')
})

test('Standard Webhooks says so when the only secret is no key, and goes by the others when one is not', () => {
  const { secret } = vector('Standard Webhooks')
  expect(codeOf(vector('Standard Webhooks'), { active: ['whsec_!'] })).toBe('SECRET_UNUSABLE')
  expect(codeOf(vector('Standard Webhooks'), { active: ['whsec_!', secret] })).toBe('accepted')
})

test('Stripe takes the right one of several signatures, never one of version 0', () => {
  const digest = String(vector('Stripe').request.headers['stripe-signature']).split('v1=')[1]
  const wrong = digest?.replace(/^./, '0')
  const sent = (text: string) => codeOf(changed(vector('Stripe'), () => text))
  expect(sent(`t=1492774577,v1=${wrong},v1=${digest}`)).toBe('accepted')
  expect(sent(`t=1492774577, v1=${digest}, v0=${wrong}`)).toBe('accepted')
  expect(sent(`t=1492774577,v0=${digest}`)).toBe('SIGNATURE_MALFORMED')
  expect(sent(`t=1492774577,t=1492774577,v1=${digest}`)).toBe('SIGNATURE_MALFORMED')
  expect(sent(`v1=${digest}`)).toBe('SIGNATURE_MALFORMED')
})

test('a header that was sent twice holds two signatures for nobody but who signs so', () => {
  const { headers } = vector('GitHub').request
  const twice = [String(headers['x-hub-signature-256']), String(headers['x-hub-signature-256'])]
  expect(codeOf(withHeaders(vector('GitHub'), { 'x-hub-signature-256': twice }))).toBe('SIGNATURE_MALFORMED')
})

test('an hmac with a timestamp signs both unless told otherwise', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ minLength: 1 }), fc.nat(4_000_000_000_000), (bytes, secret, now) => {
      const body = Buffer.from(bytes)
      const signature = createHmac('sha512', secret)
        .update(Buffer.concat([Buffer.from(`${now}.`), body]))
        .digest('base64url')
      const request = requestWith({ headers: { 'x-sig': signature, 'x-time': String(now) }, body })
      const timestamp = { header: 'X-Time', unit: 'milliseconds', tolerance: '1s' } as const
      const auth = {
        scheme: 'hmac',
        secrets,
        header: 'X-Sig',
        algorithm: 'sha512',
        encoding: 'base64',
        timestamp,
      } as const
      expect(verify(auth, request, { secrets: [secret], now: now + 1_000 })).toBeNull()
      expect(verify(auth, request, { secrets: [secret], now: now - 1_001 })?.code).toBe('TIMESTAMP_OUTSIDE')
    }),
  )
})

test('what stands in the body is never taken for a place in the template', () => {
  const signed = createHmac('sha256', 'key').update('<{timestamp}{body}>').digest('hex')
  const auth = { scheme: 'hmac', secrets, header: 'x-sig', signed: '<{body}>' } as const
  const request = requestWith({ headers: { 'x-sig': signed }, body: '{timestamp}{body}' })
  expect(verify(auth, request, { secrets: ['key'], now: 0 })).toBeNull()
})

const KEYS = ['the-new-key', 'the-old-key']
const proof = { secrets: KEYS, now: 0 }
const bearer: WebhookAuth = { scheme: 'api_key', secrets, header: 'Authorization', prefix: 'Bearer ' }
const inQuery: WebhookAuth = { scheme: 'api_key', secrets, query: 'key' }

test.each(KEYS)('an API key comes in a header: %s', key => {
  expect(verify(bearer, requestWith({ headers: { authorization: `Bearer ${key}` } }), proof)).toBeNull()
})

test.each(KEYS)('an API key comes in the query: %s', key => {
  expect(verify(inQuery, requestWith({ query: `a=1&key=${key}` }), proof)).toBeNull()
})

test.each([
  ['the-new-ke', 'CREDENTIALS_WRONG'],
  ['the-new-keyy', 'CREDENTIALS_WRONG'],
  ['The-new-key', 'CREDENTIALS_WRONG'],
  ['', 'CREDENTIALS_MISSING'],
])('%j is no API key of the hook', (key, code) => {
  expect(verify(bearer, requestWith({ headers: { authorization: `Bearer ${key}` } }), proof)?.code).toBe(code)
  expect(verify(inQuery, requestWith({ query: `key=${key}` }), proof)?.code).toBe(code)
})

test('an API key without its prefix, twice in the query or in a broken one is missing', () => {
  const codes = [
    verify(bearer, requestWith({ headers: { authorization: 'the-new-key' } }), proof),
    verify(bearer, requestWith(), proof),
    verify(inQuery, requestWith({ query: 'key=the-new-key&key=the-new-key' }), proof),
    verify(inQuery, requestWith({ query: 'key=%ff' }), proof),
    verify(inQuery, requestWith(), proof),
  ].map(refusal => refusal?.code)
  expect(codes).toEqual(Array(5).fill('CREDENTIALS_MISSING'))
})

const basic: WebhookAuth = { scheme: 'basic', username: 'Aladdin', secrets }
const basicCode = (authorization: string | undefined, active: readonly string[]) =>
  verify(basic, requestWith({ headers: { authorization } }), { secrets: active, now: 0 })?.code ?? 'accepted'

test('basic takes the user and any active password (RFC 7617, section 2)', () => {
  expect(basicCode('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', ['open sesame'])).toBe('accepted')
  expect(basicCode('basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==', ['another', 'open sesame'])).toBe('accepted')
})

test('a password may hold a colon and letters of any language', () => {
  const encoded = Buffer.from('Aladdin:öffne: dich').toString('base64')
  expect(basicCode(`Basic ${encoded}`, ['öffne: dich'])).toBe('accepted')
})

test('basic refuses another user, another password, and what is no Basic credentials', () => {
  const encoded = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  expect(basicCode(encoded('aladdin:open sesame'), ['open sesame'])).toBe('CREDENTIALS_WRONG')
  expect(basicCode(encoded('Aladdin:open'), ['open sesame'])).toBe('CREDENTIALS_WRONG')
  expect(basicCode(encoded('Aladdin:'), ['open sesame'])).toBe('CREDENTIALS_WRONG')
  expect(basicCode(encoded('Aladdin:'), [''])).toBe('SECRET_UNUSABLE')
  expect(basicCode('Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==', ['open sesame'])).toBe('CREDENTIALS_MISSING')
  expect(basicCode(undefined, ['open sesame'])).toBe('CREDENTIALS_MISSING')
})

test('none takes whatever comes', () => {
  expect(verify({ scheme: 'none' }, requestWith(), { secrets: [], now: 0 })).toBeNull()
})

test('no message holds a secret, or the signature that was expected', () => {
  for (const [, { auth, secret, request, header, signedAt }] of named) {
    const right = String(request.headers[header]).replace(/^.*[=,](?=.{20})/, '')
    const tampered = { ...request, headers: { ...request.headers, [header]: `v1,${'A'.repeat(43)}=` } }
    for (const sent of [tampered, requestWith(), { ...request, body: Buffer.from('other') }]) {
      const message = verify(auth, sent, { secrets: [secret], now: (signedAt ?? 0) * 1_000 })?.message
      expect(message).toMatch(/^[a-z]/)
      expect(message).not.toContain(secret)
      expect(message).not.toContain(right)
    }
  }
})

test('who is not proven is told so with 401, and what is ours to mend with 503', () => {
  expect(refusalStatuses).toMatchObject({ SIGNATURE_WRONG: 401, CREDENTIALS_WRONG: 401, SECRET_UNUSABLE: 503 })
})
