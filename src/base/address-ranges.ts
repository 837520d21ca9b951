// Sets of IP addresses: single ones and CIDR ranges (`10.0.0.0/8`, `fd00::/8`).
//
// 1. An IPv4 address and the IPv6 address it is mapped to (`::ffff:10.1.2.3`) are one address, on either side.
// 2. The zone of a link-local address (`fe80::1%eth0`) says nothing about which address it is, and is not looked at.
import { BlockList, isIP } from 'node:net'

export interface AddressRanges {
  /** False for what is no address. */
  has(address: string): boolean
}

/** Throws for what is neither an address nor a range: ask `isAddressRange` first. */
export function createAddressRanges(entries: readonly string[]): AddressRanges {
  const list = new BlockList()
  for (const entry of entries) {
    const range = parseRange(entry)
    if (range === undefined) throw new Error(`${JSON.stringify(entry)} is neither an address nor a range`)
    list.addSubnet(range.address, range.bits, range.family)
  }
  return {
    has(address) {
      const family = familyOf(address)
      return family !== undefined && list.check(address, family)
    },
  }
}

export function isAddressRange(entry: string): boolean {
  return parseRange(entry) !== undefined
}

type Family = 'ipv4' | 'ipv6'

function parseRange(entry: string): { address: string; bits: number; family: Family } | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
  const family = familyOf(address)
  const most = family === 'ipv4' ? 32 : 128
  const bits = Number(prefix ?? most)
  return family === undefined || bits > most ? undefined : { address, bits, family }
}

function familyOf(address: string): Family | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
