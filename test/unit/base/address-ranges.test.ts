import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAddressRanges, isAddressRange } from '../../../src/base/address-ranges.ts'

// The oracle: every address as a number of 128 bits, those of IPv4 where they are mapped to.
const MAPPED = 0xffffn << 32n

function textOf(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return groups.join(':')
}

function text4(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 0xff).join('.')
}

const sameStart = (one: bigint, other: bigint, bits: number): boolean => (one ^ other) >> BigInt(128 - bits) === 0n

const number4 = fc.nat(0xffff_ffff)
const number6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })

test('a range of IPv4 holds what begins as it does', () => {
  fc.assert(
    fc.property(fc.tuple(number4, fc.nat(32)), fc.nat(31), number4, ([base, bits], flip, other) => {
      const ranges = createAddressRanges([`${text4(base)}/${bits}`])
      for (const address of [base, base ^ (1 << flip), other].map(n => n >>> 0)) {
        const expected = sameStart(MAPPED + BigInt(base), MAPPED + BigInt(address), 96 + bits)
        expect(ranges.has(text4(address))).toBe(expected)
        expect(ranges.has(`::ffff:${text4(address)}`)).toBe(expected)
        expect(ranges.has(textOf(MAPPED + BigInt(address)))).toBe(expected)
      }
    }),
  )
})

test('a range of IPv6 holds what begins as it does', () => {
  fc.assert(
    fc.property(fc.tuple(number6, fc.nat(128)), fc.nat(127), number6, ([base, bits], flip, other) => {
      const ranges = createAddressRanges([`${textOf(base)}/${bits}`])
      for (const address of [base, base ^ (1n << BigInt(flip)), other])
        expect(ranges.has(textOf(address))).toBe(sameStart(base, address, bits))
    }),
  )
})

test('a range of mapped addresses is one of IPv4', () => {
  const ranges = createAddressRanges(['::ffff:10.0.0.0/104'])
  expect(['10.1.2.3', '::ffff:10.1.2.3', '11.1.2.3', '::a01:203'].map(ranges.has)).toEqual([true, true, false, false])
})

test('several ranges hold what any of them holds, and none holds nothing', () => {
  const ranges = createAddressRanges(['192.0.2.1', '2001:db8::/32'])
  expect(['192.0.2.1', '2001:db8:1::', '192.0.2.2'].map(ranges.has)).toEqual([true, true, false])
  expect(createAddressRanges([]).has('192.0.2.1')).toBe(false)
})

test('the zone of an address does not matter', () => {
  expect(createAddressRanges(['fe80::/10']).has('fe80::1%eth0')).toBe(true)
})

test.each(['', 'localhost', 'unknown', '10.0.0', '10.0.0.1:80', '[::1]', ' 10.0.0.1'])('%j is no address', text => {
  expect(createAddressRanges(['0.0.0.0/0', '::/0']).has(text)).toBe(false)
})

test.each(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '::/0', '::ffff:10.0.0.0/104'])(
  '%s is a range',
  text => {
    expect(isAddressRange(text)).toBe(true)
  },
)

test.each([
  '',
  '10',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '/8',
  'a/8',
  '010.0.0.1',
  '10.0.0.0/1e1',
])('%j is no range', text => {
  expect(isAddressRange(text)).toBe(false)
  expect(() => createAddressRanges([text])).toThrow('is neither an address nor a range')
})
