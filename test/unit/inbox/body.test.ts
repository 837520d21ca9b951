import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BodyKind, checkMediaType, readBody } from '../../../src/inbox/body.ts'
import { requestWith } from './requests.ts'

const ALL = ['json', 'form', 'text'] as const
const FORM = 'application/x-www-form-urlencoded'

function read(type: string | undefined, body: string | Buffer, taken: readonly BodyKind[] = ALL) {
  const request = requestWith({ headers: { 'content-type': type }, body })
  return checkMediaType(request, taken) ?? readBody(request)
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

test.each([
  ['application/json', '{"a":[1,null,"ä"]}', { a: [1, null, 'ä'] }],
  ['Application/JSON; charset=UTF-8', '"a"', 'a'],
  ['application/cloudevents+json', '[]', []],
  ['application/json', '\uFEFF{}', {}],
  ['application/json; charset=iso-8859-1', latin1('"ä"'), 'ä'],
  ['application/json; charset="utf-16le"', Buffer.from('{"a":1}', 'utf16le'), { a: 1 }],
  ['text/plain', 'a\nb', 'a\nb'],
  ['text/plain;charset=windows-1252', latin1('ä'), 'ä'],
  ['application/xml', '<a/>', '<a/>'],
  [
    'application/x-www-form-urlencoded',
    'a=1&b=x+y&b=%C3%A4&c&=d&a%3D=%26',
    { a: '1', b: ['x y', 'ä'], c: '', '': 'd', 'a=': '&' },
  ],
  [FORM, '&&a=b=c&', { a: 'b=c' }],
  ['application/json', '', null],
  [undefined, '', null],
  ['multipart/form-data', '', null],
])('%s: %j', (type, body, value) => {
  expect(read(type, body)).toEqual({ value })
})

test.each([
  ['no type', undefined, 'a'],
  ['multipart', 'multipart/form-data; boundary=a', '--a--'],
  ['bytes', 'application/octet-stream', 'a'],
  ['a charset nobody knows', 'text/plain; charset=klingon', 'a'],
  ['a charset that hides ASCII', 'text/html; charset=utf-7', '+ADw-'],
  ['a form that is not in UTF-8', 'application/x-www-form-urlencoded; charset=latin1', 'a=%E4'],
])('a body of %s is not taken', (_, type, body) => {
  expect(read(type, body)).toMatchObject({ code: 'MEDIA_TYPE_UNSUPPORTED' })
})

test('a compressed body is not taken', () => {
  const headers = { 'content-encoding': 'gzip' }
  expect(checkMediaType(requestWith({ headers, body: 'a' }), ALL)?.message).toBe(
    'the body is compressed; send it as it is, without content-encoding',
  )
})

test('a kind the hook does not take is told what it takes', () => {
  expect(read('text/plain', 'a', ['json', 'form'])).toEqual({
    kind: 'refused',
    code: 'MEDIA_TYPE_UNSUPPORTED',
    message: 'send it as application/json or application/x-www-form-urlencoded',
  })
})

test.each([
  ['broken JSON', { json: '{"a":' }, /^the body is refused as JSON: /],
  ['two values', { json: '1 2' }, /^the body is refused as JSON: /],
  ['too deep a value', { json: `${'['.repeat(64)}${']'.repeat(64)}` }, /nested more than 63 levels deep$/],
  ['a bomb of brackets', { json: '['.repeat(1_000_000) }, /nested more than 63 levels deep$/],
  ['too many keys', { json: `[${Array(10_001).fill('{"a":1}').join()}]` }, /more than 10000 named values$/],
  ['bytes of another charset', { json: latin1('"ä"') }, /^the body has bytes that are not of its charset$/],
  ['what PostgreSQL cannot store', { json: '{"a":["\\u0000"]}' }, /^the body cannot be stored: a\[0\] holds/],
  ['half of a pair', { json: '"\\ud800"' }, /half of a surrogate pair/],
  ['a key of the prototype', { json: '{"a":{"__proto__":{}}}' }, /a has a key "__proto__"/],
  ['a number too large', { json: '[1e400]' }, /\[0\] is Infinity/],
  ['a form that is no UTF-8', { form: 'a=%E4' }, /^the body has a field that is not percent-encoded UTF-8: "a"$/],
  ['a form that is cut off', { form: 'a%4=b' }, /^the body has a field that is not percent-encoded UTF-8: "a%4=b"$/],
  ['a form with a NUL', { form: 'a=%00' }, /^the body cannot be stored: a holds/],
  ['a form with a key of the prototype', { form: '__proto__=1' }, /"__proto__"/],
  ['a form of too many fields', { form: 'a=1&'.repeat(10_001) }, /more than 10000 fields$/],
  ['a text of another charset', { text: latin1('ä') }, /^the body has bytes that are not of its charset$/],
  ['a text with a NUL', { text: 'a\0' }, /^the body cannot be stored: it holds/],
])('%s is refused', (_, { json, form, text = '' }: Sent, message) => {
  const type = json === undefined ? (form === undefined ? 'text/plain' : FORM) : 'application/json'
  const answer = read(type, json ?? form ?? text)
  expect(answer).toEqual({ kind: 'refused', code: 'BODY_INVALID', message: expect.stringMatching(message) })
})

interface Sent {
  readonly json?: string | Buffer
  readonly form?: string
  readonly text?: string | Buffer
}

test('whatever JSON says is what is read, and what cannot be stored is refused', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      const answer = read('application/json', text)
      if ('value' in answer) expect(answer.value).toEqual(JSON.parse(text))
      else expect(answer.code).toBe('BODY_INVALID')
    }),
  )
})

test('a form is read as browsers write it', () => {
  const text = fc.string({ unit: 'grapheme' }).filter(one => one !== '__proto__')
  fc.assert(
    fc.property(fc.dictionary(text, fc.array(text, { minLength: 1 }), { minKeys: 1 }), fields => {
      const form = new URLSearchParams()
      for (const [name, values] of Object.entries(fields)) for (const value of values) form.append(name, value)
      const expected = Object.entries(fields).map(([name, values]) => [name, values.length === 1 ? values[0] : values])
      expect(read(FORM, form.toString())).toEqual({ value: Object.fromEntries(expected) })
    }),
  )
})

test('no bytes of any type make it throw', () => {
  const types = ['application/json', 'text/plain; charset=utf-16le', FORM]
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array(), (type, bytes) => {
      const answer = read(type, Buffer.from(bytes))
      expect('value' in answer || answer.code === 'BODY_INVALID').toBe(true)
    }),
  )
})
