import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { deliveryIdOf, deliveryKey } from '../../../src/inbox/delivery.ts'
import type { WebhookConfig } from '../../../src/trigger/webhook-config.ts'
import { requestWith } from './requests.ts'

const secrets = ['a']
const headers = {
  'webhook-id': 'msg_1',
  'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  'x-request-id': 'r1',
}
const body = { id: 'evt_1', event_id: 'Ev1', number: 42, half: 0.5, empty: '', nested: [{ id: 'n1' }] }

function find(config: Pick<WebhookConfig, 'auth' | 'delivery_id'>, sent: Json = body) {
  return deliveryIdOf(config, requestWith({ headers }), sent)
}

const none = { scheme: 'none' } as const

test.each([
  [{ scheme: 'standard_webhooks', secrets }, 'msg_1'],
  [{ scheme: 'github', secrets }, '72d3162e-cc78-11e3-81ab-4c9367dc0958'],
  [{ scheme: 'stripe', secrets }, 'evt_1'],
  [{ scheme: 'slack', secrets }, 'Ev1'],
  [{ scheme: 'hmac', secrets, header: 'x-sig' }, null],
  [{ scheme: 'api_key', secrets, header: 'x-key' }, null],
  [{ scheme: 'basic', secrets, username: 'a' }, null],
  [none, null],
] as const)('of $scheme the id is known', (auth, id) => {
  expect(find({ auth })).toEqual({ id })
})

test('a body without the id of its scheme has none', () => {
  expect(find({ auth: { scheme: 'slack', secrets } }, 'command=/weather')).toEqual({ id: null })
  expect(find({ auth: { scheme: 'stripe', secrets } }, null)).toEqual({ id: null })
})

test.each([
  [{ header: 'X-Request-Id' }, 'r1'],
  [{ path: 'number' }, '42'],
  [{ path: 'nested[0].id' }, 'n1'],
])('the config says where the id is: %j', (delivery_id, id) => {
  expect(find({ auth: { scheme: 'github', secrets }, delivery_id })).toEqual({ id })
})

test.each([
  [{ header: 'X-Other-Id' }, 'the header x-other-id holds no delivery id: a text or a whole number'],
  [{ path: 'missing.id' }, 'missing.id of the body holds no delivery id: a text or a whole number'],
  [{ path: 'half' }, 'half of the body holds no delivery id: a text or a whole number'],
  [{ path: 'empty' }, 'empty of the body holds no delivery id: a text or a whole number'],
  [{ path: 'nested' }, 'nested of the body holds no delivery id: a text or a whole number'],
])('a request without the id the config speaks of is refused: %j', (delivery_id, message) => {
  expect(find({ auth: none, delivery_id })).toEqual({ kind: 'refused', code: 'DELIVERY_ID_MISSING', message })
})

test('a plain id stands in the key as it is', () => {
  expect(deliveryKey('72d3162e-cc78-11e3-81ab-4c9367dc0958')).toBe('dlv:72d3162e-cc78-11e3-81ab-4c9367dc0958')
  expect(deliveryKey('a'.repeat(128))).toBe(`dlv:${'a'.repeat(128)}`)
})

test.each(['a b', 'ä', 'a\n', 'a'.repeat(129), 'sha256:abc', '\u0000'])('an odd id is hashed: %j', id => {
  expect(deliveryKey(id)).toMatch(/^dlv:sha256:[\da-f]{64}$/)
})

test('two ids never share a key, also when one looks like the hash of the other', () => {
  const hashed = deliveryKey('a b').slice('dlv:'.length)
  expect(deliveryKey(hashed)).not.toBe(deliveryKey('a b'))
  const id = fc.oneof(
    fc.string(),
    fc.string().map(text => deliveryKey(text).slice('dlv:'.length)),
  )
  fc.assert(fc.property(id, id, (one, other) => (deliveryKey(one) === deliveryKey(other)) === (one === other)))
})

test('every key is short and printable, and one of a delivery', () => {
  // Any code units, lone surrogates too. (fast-check's `binary` texts take a second to prepare.)
  const anyText = fc.uint16Array().map(units => String.fromCharCode(...units))
  fc.assert(fc.property(anyText, id => /^dlv:[\x21-\x7e]{0,128}$/.test(deliveryKey(id))))
})
