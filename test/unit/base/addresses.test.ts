import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAddressRules } from '../../../src/base/addresses.ts'

const strict = createAddressRules([])

test.each([
  ...['8.8.8.8', '1.1.1.1', '93.184.215.14', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0'],
  ...['9.255.255.255', '11.0.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '223.255.255.255'],
  ...['192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0'],
  ...['2606:4700::1111', '2001:4860:4860::8888', '2a00:1450:4001:80b::200e', '2001:200::1', '3ffe::1'],
])('%s is public', address => {
  expect(strict.refusal(address, address)).toBeNull()
})

test.each([
  ['127.0.0.1', 'a loopback address'],
  ['127.255.255.255', 'a loopback address'],
  ['::1', 'a loopback address'],
  ['::ffff:127.0.0.1', 'a loopback address'],
  ['10.0.0.0', 'a private address'],
  ['10.255.255.255', 'a private address'],
  ['172.16.0.0', 'a private address'],
  ['172.31.255.255', 'a private address'],
  ['192.168.255.255', 'a private address'],
  ['100.64.0.1', 'a private address'],
  ['100.127.255.255', 'a private address'],
  ['fd12:3456::1', 'a private address'],
  ['::ffff:10.0.0.1', 'a private address'],
  ['169.254.1.1', 'a link-local address'],
  ['fe80::1', 'a link-local address'],
  ['febf:ffff::1', 'a link-local address'],
  ['224.0.0.1', 'a multicast address'],
  ['ff02::1', 'a multicast address'],
  ['0.0.0.0', 'a reserved address'],
  ['0.255.255.255', 'a reserved address'],
  ['192.0.0.1', 'a reserved address'],
  ['192.0.2.1', 'a reserved address'],
  ['198.18.0.1', 'a reserved address'],
  ['198.19.255.255', 'a reserved address'],
  ['203.0.113.9', 'a reserved address'],
  ['240.0.0.1', 'a reserved address'],
  ['255.255.255.255', 'a reserved address'],
  ['2001::1', 'a reserved address'],
  ['2001:db8::1', 'a reserved address'],
  ['2002:7f00:1::', 'a reserved address'],
  ['3fff::1', 'a reserved address'],
  ['::', 'not a public address'],
  ['::7f00:1', 'not a public address'],
  ['::ffff:8.8.8.8', 'not a public address'],
  ['::ffff:0:7f00:1', 'not a public address'],
  ['64:ff9b::7f00:1', 'not a public address'],
  ['64:ff9b::808:808', 'not a public address'],
  ['64:ff9b:1::1', 'not a public address'],
  ['100::1', 'not a public address'],
  ['4000::1', 'not a public address'],
  ['5f00::1', 'not a public address'],
  ['fec0::1', 'not a public address'],
  ['localhost', 'not an address'],
  ['', 'not an address'],
])('%s is %s', (address, kind) => {
  expect(strict.refusal(address, address)).toBe(kind)
})

const metadata = [
  ...['169.254.169.254', '169.254.170.2', '169.254.170.23', '169.254.42.42', '168.63.129.16'],
  ...['100.100.100.200', '192.0.0.192', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fe80::a9fe:a9fe'],
  ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::a9fe:a9fe', '::ffff:0:a9fe:a9fe', '64:ff9b::a9fe:a9fe'],
  ...['64:ff9b:1::a9fe:a9fe', '2002:a9fe:a9fe::1', '64:ff9b::a83f:8110', 'FD00:0EC2:0:0::0254'],
]

test.each(metadata)('the metadata service %s stays out of reach whatever is allowed', address => {
  const rules = createAddressRules(['0.0.0.0/0', '::/0', address, 'metadata.internal'])
  expect(rules.refusal(address, address)).toBe('the address of a metadata service')
  expect(rules.refusal(address, 'metadata.internal')).toBe('the address of a metadata service')
})

test('an allowed range opens its addresses and no others', () => {
  const rules = createAddressRules(['10.1.0.0/16', 'fd00:1::/32'])
  expect(rules.refusal('10.1.255.255', 'host')).toBeNull()
  expect(rules.refusal('::ffff:10.1.0.1', 'host')).toBeNull()
  expect(rules.refusal('10.2.0.0', 'host')).toBe('a private address')
  expect(rules.refusal('fd00:1::7', 'host')).toBeNull()
  expect(rules.refusal('fd00:2::7', 'host')).toBe('a private address')
})

test('a bare address opens itself only', () => {
  const rules = createAddressRules(['127.0.0.1', '::1'])
  expect(rules.refusal('127.0.0.1', 'localhost')).toBeNull()
  expect(rules.refusal('::1', 'localhost')).toBeNull()
  expect(rules.refusal('127.0.0.2', 'localhost')).toBe('a loopback address')
})

test('an allowed host name opens whatever it stands for, under this name only', () => {
  const rules = createAddressRules(['DB.Internal', 'bücher.example'])
  expect(rules.refusal('10.0.0.1', 'db.internal')).toBeNull()
  expect(rules.refusal('10.0.0.1', 'db.internal.')).toBeNull()
  expect(rules.refusal('10.0.0.1', 'xn--bcher-kva.example')).toBeNull()
  expect(rules.refusal('10.0.0.1', 'evil-db.internal')).toBe('a private address')
  expect(rules.refusal('10.0.0.1', 'sub.db.internal')).toBe('a private address')
})

test.each([
  '',
  '10.0.0.0/33',
  '::1/129',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0/8',
  '127.1',
  'a b',
  'http://host',
  'host:80',
  '*.internal',
  '.internal',
])('%j is refused as something to allow', entry => {
  expect(() => createAddressRules([entry])).toThrow(/is neither an address, a range nor a host name/)
})

test('every IPv4 address is refused in each IPv6 form that wraps it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffff }), (high, low) => {
      const groups = `${high.toString(16)}:${low.toString(16)}`
      for (const form of ['::', '::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'])
        expect(strict.refusal(form + groups, 'host')).not.toBeNull()
      expect(strict.refusal(`2002:${groups}::1`, 'host')).not.toBeNull()
    }),
  )
})
