import { CloudEvent, HTTP, Mode } from 'cloudevents'
import { expect, test } from 'vitest'
import { MAX_EVENT_BYTES } from '../../../src/inbox/cloud-event.ts'
import { type EventRequest, readEvents } from '../../../src/inbox/event-request.ts'

const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
const BATCH = { 'content-type': 'application/cloudevents-batch+json' }
const plain = { specversion: '1.0', id: '1', source: '/shop', type: 'order.paid' }

const request = (headers: EventRequest['headers'], body: unknown): EventRequest => ({
  headers,
  body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

/** What is wrong, `path message` each; or that nothing is. */
function problemsOf(given: EventRequest): string[] {
  const read = readEvents(given)
  if ('events' in read) return []
  return 'unsupported' in read ? [read.unsupported] : read.problems.map(({ path, message }) => `${path} ${message}`)
}

const sent = new CloudEvent({
  id: 'a 1',
  source: '/shop/%20x',
  type: 'order.paid',
  subject: '4 "lamps", 100 %',
  time: '2026-11-22T16:30:00.000Z',
  dataschema: 'https://example.com/order.json',
  priority: 3,
  data: { total: 12.5, lines: [{ sku: 'a' }] },
})

test.each([Mode.STRUCTURED, Mode.BINARY])('what the SDK of CloudEvents sends %s is read as it was meant', mode => {
  const { headers, body } = mode === Mode.BINARY ? HTTP.binary(sent) : HTTP.structured(sent)
  const read = readEvents(request(headers as EventRequest['headers'], body))
  expect(read).toMatchObject({
    events: [
      {
        externalId: 'a 1',
        source: '/shop/%20x',
        type: 'order.paid',
        attributes: {
          subject: '4 "lamps", 100 %',
          time: '2026-11-22T16:30:00.000Z',
          dataschema: 'https://example.com/order.json',
          priority: mode === Mode.BINARY ? '3' : 3,
        },
        data: { total: 12.5, lines: [{ sku: 'a' }] },
      },
    ],
  })
})

test('headers of binary mode are percent-encoded UTF-8, maybe within quotes', () => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': '"a\\"b"',
    'ce-source': '/s',
    'ce-type': 't',
    'ce-subject': '%C3%84pfel%20100%25',
    'content-type': 'text/plain',
  }
  expect(readEvents(request(headers, 'hello'))).toEqual({
    events: [
      {
        externalId: 'a"b',
        source: '/s',
        type: 't',
        attributes: { subject: 'Äpfel 100%', datacontenttype: 'text/plain' },
        data: 'hello',
      },
    ],
  })
})

test('bytes that are neither JSON nor text are kept in base64', () => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/s',
    'ce-type': 't',
    'content-type': 'image/png',
  }
  expect(readEvents(request(headers, Buffer.from([137, 80])))).toMatchObject({
    events: [{ data: null, attributes: { data_base64: 'iVA=', datacontenttype: 'image/png' } }],
  })
})

test('a batch is read in its order, and an empty one holds nothing', () => {
  const read = readEvents(request(BATCH, [plain, { ...plain, id: '2' }]))
  expect('events' in read && read.events.map(({ externalId }) => externalId)).toEqual(['1', '2'])
  expect(readEvents(request(BATCH, []))).toEqual({ events: [] })
})

test('an attribute that is null counts as absent', () => {
  expect(readEvents(request(STRUCTURED, { ...plain, subject: null }))).toMatchObject({ events: [{ attributes: {} }] })
})

test.each<[Record<string, unknown>, string]>([
  [{ specversion: undefined }, 'specversion is required'],
  [{ specversion: '0.3' }, 'specversion must be "1.0", is "0.3"'],
  [{ id: undefined }, 'id is required'],
  [{ id: '' }, 'id must not be empty'],
  [{ id: 7 }, 'id must be a string'],
  [{ id: 'a\nb' }, 'id holds a control character'],
  [{ id: 'x'.repeat(513) }, 'id has more than 512 bytes'],
  [{ source: undefined }, 'source is required'],
  [{ source: 'not a uri' }, 'source must be a URI reference'],
  [{ source: 'mbflow:executions' }, 'source begins with mbflow:, which is kept for the events of MBFlow itself'],
  [{ type: undefined }, 'type is required'],
  [{ type: 'x'.repeat(256) }, 'type has more than 255 bytes'],
  [{ type: 'mbflow.execution.failed' }, 'type begins with mbflow., which is kept for the events of MBFlow itself'],
  [{ time: 'yesterday' }, 'time must be an instant like 2026-11-22T16:30:00Z'],
  [{ time: '2026-13-01T00:00:00Z' }, 'time must be an instant like 2026-11-22T16:30:00Z'],
  [{ subject: '' }, 'subject must not be empty'],
  [{ datacontenttype: 'json' }, 'datacontenttype must be a media type like application/json'],
  [{ dataschema: '/relative' }, 'dataschema must be an absolute URI'],
  [{ Priority: 1 }, 'Priority is not the name of an attribute: lower-case letters and digits, at most 64'],
  [{ priority: 1.5 }, 'priority must be a string, a boolean or a whole number of 32 bits'],
  [{ nested: {} }, 'nested must be a string, a boolean or a whole number of 32 bits'],
  [{ data_base64: 'not base64!' }, 'data_base64 must be a string in base64'],
  [{ data: 1, data_base64: 'AA==' }, 'data_base64 stands beside data; an event has one of the two'],
  [{ data: 'a\0b' }, 'data cannot be stored: data holds the character U+0000, which PostgreSQL cannot store'],
  [
    { data: 'x'.repeat(MAX_EVENT_BYTES) },
    `data has more than ${MAX_EVENT_BYTES} bytes as JSON, the most an event may have`,
  ],
])('an event with %j is told: %s', (change, problem) => {
  expect(problemsOf(request(STRUCTURED, { ...plain, ...change }))).toEqual([problem])
})

test('everything that is wrong is told at once, with its place in a batch', () => {
  const problems = problemsOf(request(BATCH, [plain, { ...plain, id: '', time: 'x' }, 7]))
  expect(problems).toEqual([
    '[1].id must not be empty',
    '[1].time must be an instant like 2026-11-22T16:30:00Z',
    '[2] must be an object',
  ])
})

test.each<[string, EventRequest, RegExp]>([
  ['what is no JSON', request(STRUCTURED, '{'), /the body is refused as JSON/],
  ['what is not UTF-8', request(STRUCTURED, Buffer.from([0x22, 0xff, 0x22])), /has bytes that are not of its charset/],
  ['a list that is sent as one event', request(STRUCTURED, [plain]), /must be an object, the event/],
  ['an event that is sent as a batch', request(BATCH, plain), /must be a list of events/],
  ['too many', request(BATCH, Array(1_001).fill(plain)), /holds 1001 events, at most 1000 are taken/],
  ['what is too deep', request(STRUCTURED, `{"data": ${'['.repeat(60)}${']'.repeat(60)}}`), /more than 60 levels deep/],
  ['a form', request({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=1'), /this is no event/],
  ['JSON without attributes', request({ 'content-type': 'application/json' }, plain), /this is no event/],
  ['another format', request({ 'content-type': 'application/cloudevents+avro' }, 'x'), /events are taken as/],
  [
    'a header that is not percent-encoded',
    request({ 'ce-id': '%ff' }, ''),
    /the header ce-id is not percent-encoded UTF-8/,
  ],
  [
    'a header with more than ASCII in it',
    request({ 'ce-id': 'ä' }, ''),
    /the header ce-id is not percent-encoded UTF-8/,
  ],
  ['a type of data as attribute', request({ 'ce-datacontenttype': 'a/b' }, ''), /datacontenttype cannot be a header/],
])('%s is refused', (_, given, problem) => {
  expect(problemsOf(given).join('; ')).toMatch(problem)
})
