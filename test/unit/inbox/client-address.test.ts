import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAddressRanges } from '../../../src/base/address-ranges.ts'
import { clientAddress } from '../../../src/inbox/client-address.ts'

const addresses = createAddressRanges(['10.0.0.0/8', 'fd00::/8'])
const behind =
  (header: 'x-forwarded-for' | 'forwarded') => (peer: string, text: string | readonly string[] | undefined) =>
    clientAddress(peer, { headers: { [header]: text } }, { addresses, header })
const xff = behind('x-forwarded-for')
const forwarded = behind('forwarded')

test.each([
  ['nobody trusted is in between', ['192.0.2.1', undefined], '192.0.2.1'],
  ['a stranger forwards', ['192.0.2.1', '198.51.100.7'], '192.0.2.1'],
  ['a proxy forwards', ['10.0.0.1', '198.51.100.7'], '198.51.100.7'],
  ['a proxy forwards nothing', ['10.0.0.1', undefined], '10.0.0.1'],
  ['two proxies forward', ['10.0.0.1', '198.51.100.7, 10.0.0.2'], '198.51.100.7'],
  ['the client wrote a header of its own', ['10.0.0.1', '203.0.113.9, 198.51.100.7, 10.0.0.2'], '198.51.100.7'],
  ['the client claims to be a proxy', ['10.0.0.1', '10.0.0.9, 198.51.100.7'], '198.51.100.7'],
  ['all are proxies', ['10.0.0.1', '10.0.0.3,10.0.0.2'], '10.0.0.3'],
  ['a port is named', ['10.0.0.1', '198.51.100.7:4711'], '198.51.100.7'],
  ['it is IPv6', ['fd00::1', '2001:DB8:0::1'], '2001:db8::1'],
  ['it is IPv6 with a port', ['fd00::1', '[2001:db8::1]:4711'], '2001:db8::1'],
  ['the peer is mapped', ['::ffff:10.0.0.1', '198.51.100.7'], '198.51.100.7'],
  ['the client is mapped', ['10.0.0.1', '::ffff:c633:6407'], '198.51.100.7'],
  ['a proxy is mapped', ['10.0.0.1', '198.51.100.7, ::ffff:10.0.0.2'], '198.51.100.7'],
  ['the peer has a zone', ['fe80::1%eth0', undefined], 'fe80::1'],
  ['the proxy hides it', ['10.0.0.1', 'unknown'], null],
  ['something unreadable stands before a proxy', ['10.0.0.1', '198.51.100.7, what, 10.0.0.2'], null],
  ['something unreadable stands before the client', ['10.0.0.1', 'what, 198.51.100.7'], '198.51.100.7'],
  ['an element is empty', ['10.0.0.1', '198.51.100.7,'], null],
  ['the peer is gone', ['', '198.51.100.7'], null],
] as const)('X-Forwarded-For, when %s', (_, [peer, text], client) => {
  expect(xff(peer, text)).toBe(client)
})

test.each([
  ['a proxy forwards', ['10.0.0.1', 'for=198.51.100.7'], '198.51.100.7'],
  ['a stranger forwards', ['192.0.2.1', 'for=198.51.100.7'], '192.0.2.1'],
  ['more is told', ['10.0.0.1', 'by=10.0.0.1; For="198.51.100.7:80" ;proto=https;host=a'], '198.51.100.7'],
  ['two proxies forward', ['10.0.0.1', 'for=203.0.113.9,for=198.51.100.7;by=x, for="[fd00::2]:80"'], '198.51.100.7'],
  ['it is IPv6', ['10.0.0.1', 'for="[2001:db8::1]"'], '2001:db8::1'],
  ['it is escaped', ['10.0.0.1', 'for="198.51.100\\.7"'], '198.51.100.7'],
  ['the proxy hides it', ['10.0.0.1', 'for=_hidden'], null],
  ['an element says nothing of it', ['10.0.0.1', 'for=198.51.100.7, by=10.0.0.1'], null],
  ['a quote of the client stays open', ['10.0.0.1', 'for="192.0.2.1, for=198.51.100.7'], null],
  ['a quote of the client swallows the next', ['10.0.0.1', 'for=192.0.2.1;x=", for="[2001:db8::1]"'], null],
  ['a quote of the client ends in one', ['10.0.0.1', 'for=192.0.2.1;x=", for=198.51.100.7;by=""'], null],
] as const)('Forwarded, when %s', (_, [peer, text], client) => {
  expect(forwarded(peer, text)).toBe(client)
})

test('a header sent in several lines is one list', () => {
  expect(xff('10.0.0.1', ['198.51.100.7', '10.0.0.2'])).toBe('198.51.100.7')
})

test('only the header the proxies write counts', () => {
  const headers = { forwarded: 'for=192.0.2.1', 'x-forwarded-for': '198.51.100.7' }
  expect(clientAddress('10.0.0.1', { headers }, { addresses, header: 'x-forwarded-for' })).toBe('198.51.100.7')
  expect(clientAddress('10.0.0.1', { headers }, { addresses, header: 'forwarded' })).toBe('192.0.2.1')
})

const proxy = fc.nat(0xff_ffff).map(n => `10.${n >> 16}.${(n >> 8) & 0xff}.${n & 0xff}`)
const stranger = fc.nat(0xff).map(n => `198.51.100.${n}`)
/** What a client may write: no comma, quote or control character is needed to tell a lie. */
const lie = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[\w .:;="[\]]*$/))

test('whatever a client writes, it stays the one its proxies saw', () => {
  fc.assert(
    fc.property(fc.array(lie), stranger, fc.array(proxy, { minLength: 1 }), (lies, client, proxies) => {
      const [peer = '', ...others] = proxies
      expect(xff(peer, [...lies, client, ...others].join(', '))).toBe(client)
    }),
  )
})

test('whatever a client writes into Forwarded, it is never taken for another', () => {
  fc.assert(
    fc.property(fc.array(lie), stranger, fc.array(proxy, { minLength: 1 }), (lies, client, proxies) => {
      const [peer = '', ...others] = proxies
      const seen = [client, ...others].map(address => `for=${address};by="_p"`)
      expect([client, null]).toContain(forwarded(peer, [...lies, ...seen].join(', ')))
    }),
  )
})

test('without trusted proxies it is the peer, whatever the headers say', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.string(), (peer, text) => {
      const none = { addresses: createAddressRanges([]), header: 'x-forwarded-for' } as const
      expect(clientAddress(peer, { headers: { 'x-forwarded-for': text } }, none)).toBe(peer)
    }),
  )
})
