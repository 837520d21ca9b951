import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { answerBody, answerQuery } from '../../../src/inbox/challenge.ts'

const text = (body: string) => ({ kind: 'reply', contentType: 'text/plain; charset=utf-8', body })

const meta = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'meatyhamhock' }

test('meta is answered with its challenge when it knows the verify token', () => {
  expect(answerQuery('meta', { method: 'GET', query: meta }, 'meatyhamhock')).toEqual(text('1158201444'))
})

test.each(['meatyham', '', undefined])('meta is refused with the verify token %j', token => {
  const query = Object.fromEntries(Object.entries({ ...meta, 'hub.verify_token': token ?? [] }))
  expect(answerQuery('meta', { method: 'GET', query }, 'meatyhamhock')).toMatchObject({ code: 'CREDENTIALS_WRONG' })
})

test.each([undefined, ''])('meta is refused while the verify token of the hook is %j', token => {
  const query = { ...meta, 'hub.verify_token': '' }
  expect(answerQuery('meta', { method: 'GET', query }, token)).toMatchObject({ code: 'SECRET_UNUSABLE' })
})

test('microsoft_graph is answered with its token', () => {
  const query = { validationToken: 'Validation: Testing client application reachability' }
  expect(answerQuery('microsoft_graph', { method: 'POST', query }, undefined)).toEqual(text(query.validationToken))
})

test('dropbox is answered with its challenge', () => {
  expect(answerQuery('dropbox', { method: 'GET', query: { challenge: 'abc123' } }, undefined)).toEqual(text('abc123'))
})

test.each([
  ['meta', { method: 'POST', query: meta }],
  ['meta', { method: 'GET', query: { ...meta, 'hub.mode': 'unsubscribe' } }],
  ['microsoft_graph', { method: 'POST', query: {} }],
  ['microsoft_graph', { method: 'POST', query: { validationToken: '' } }],
  ['microsoft_graph', { method: 'GET', query: { validationToken: 'a' } }],
  ['microsoft_graph', { method: 'POST', query: { validationToken: ['a', 'b'] } }],
  ['microsoft_graph', { method: 'POST', query: { validationToken: 'a'.repeat(4_097) } }],
  ['dropbox', { method: 'POST', query: { challenge: 'a' } }],
  ['slack', { method: 'POST', query: { challenge: 'a', validationToken: 'a' } }],
  ['zoom', { method: 'GET', query: { challenge: 'a' } }],
] as const)('%s did not ask with %j', (kind, request) => {
  expect(answerQuery(kind, request, 'meatyhamhock')).toBeNull()
})

const secret = () => 'zoomsecret'

test('slack is answered with its challenge', () => {
  const body = {
    token: 'Jhj5dZrVaK7ZwHHjRyZWjbDl',
    challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd',
    type: 'url_verification',
  }
  expect(answerBody('slack', body, secret)).toEqual(text('3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd'))
})

const zoom = (plainToken: Json) => ({ event: 'endpoint.url_validation', payload: { plainToken } })

test('zoom is answered with its token and the HMAC of it', () => {
  const plainToken = 'qgg8vlvZRS6UYooatFL8Aw'
  const encryptedToken = '83b2a60d4bbe49dc93763ed9e727a9a7690cbe4c1f8bb0adc0ffccd09ecb1384'
  expect(createHmac('sha256', secret()).update(plainToken).digest('hex')).toBe(encryptedToken)
  expect(answerBody('zoom', zoom(plainToken), secret)).toEqual({
    kind: 'reply',
    contentType: 'application/json',
    body: JSON.stringify({ plainToken, encryptedToken }),
  })
})

test('zoom is not answered with the signature of a message of its choice, or without a secret', () => {
  expect(answerBody('zoom', zoom('v0:1739923528:{"a":1}'), secret)).toBeNull()
  expect(answerBody('zoom', zoom('qgg8vlvZRS6UYooatFL8Aw'), () => undefined)).toBeNull()
})

test.each([
  ['slack', { type: 'event_callback', challenge: 'a' }],
  ['slack', { type: 'url_verification', challenge: 1 }],
  ['slack', 'command=/weather'],
  ['zoom', { event: 'meeting.started', payload: { plainToken: 'a' } }],
  ['zoom', { event: 'endpoint.url_validation' }],
  ['zoom', null],
  ['meta', { type: 'url_verification', challenge: 'a' }],
] as const)('%s did not ask with the body %j', (kind, body) => {
  expect(answerBody(kind, body, secret)).toBeNull()
})
