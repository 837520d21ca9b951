// Which addresses a workflow may reach: plain public ones, and those the operator allows.
//
// 1. Cloud metadata services are never reachable, however the address is written and whatever is allowed: they hand out
//    the credentials of the machine.
// 2. Of IPv6 only what is given out as public (2000::/3) is public. So the forms that wrap an IPv4 address (mapped,
//    NAT64, 6to4 …) are refused as a whole.
import { isIP } from 'node:net'
import { type AddressRanges, createAddressRanges, isAddressRange } from './address-ranges.ts'
import { MbflowError } from './errors.ts'

export interface AddressRules {
  /** What `address` is that forbids reaching it (`a loopback address`), or null. `host` is the name it stands for. */
  refusal(address: string, host: string): string | null
}

/** `allowed`: addresses, ranges (`10.0.0.0/8`) and host names that are reachable although they are not public. */
export function createAddressRules(allowed: readonly string[]): AddressRules {
  const allowedAddresses = createAddressRanges(allowed.filter(isAddressRange))
  const allowedHosts = new Set(allowed.filter(entry => !isAddressRange(entry)).map(hostName))
  return {
    refusal(address, host) {
      const version = isIP(address)
      if (version === 0) return 'not an address'
      if (metadata.has(address)) return 'the address of a metadata service'
      if (allowedHosts.has(withoutFinalDot(host)) || allowedAddresses.has(address)) return null
      const kind = special.find(([, ranges]) => ranges.has(address))?.[0]
      if (kind !== undefined) return kind
      return version === 6 && !publicIPv6.has(address) ? 'not a public address' : null
    },
  }
}

const METADATA_IPV4 = [
  '169.254.169.254', // AWS, Azure, Google and most others
  '169.254.170.2', // AWS ECS
  '169.254.170.23', // AWS EKS
  '169.254.42.42', // Scaleway
  '168.63.129.16', // Azure
  '100.100.100.200', // Alibaba
  '192.0.0.192', // Oracle
]
const METADATA_IPV6 = ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fe80::a9fe:a9fe']

const metadata = createAddressRanges([...METADATA_IPV4, ...METADATA_IPV4.flatMap(wrapped), ...METADATA_IPV6])

const special: readonly (readonly [kind: string, ranges: AddressRanges])[] = [
  ['a loopback address', createAddressRanges(['127.0.0.0/8', '::1'])],
  [
    'a private address',
    createAddressRanges(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']),
  ],
  ['a link-local address', createAddressRanges(['169.254.0.0/16', 'fe80::/10'])],
  ['a multicast address', createAddressRanges(['224.0.0.0/4', 'ff00::/8'])],
  [
    'a reserved address',
    createAddressRanges([
      ...['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24'],
      ...['203.0.113.0/24', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
    ]),
  ],
]

const publicIPv6 = createAddressRanges(['2000::/3'])

/** The IPv6 forms that reach the same IPv4 host; the mapped form (`::ffff:…`) the list knows by itself. */
function wrapped(ipv4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  return [`::${groups}`, `::ffff:0:${groups}`, `64:ff9b::${groups}`, `64:ff9b:1::${groups}`, `2002:${groups}::/48`]
}

/** The name as URLs write it. */
function hostName(entry: string): string {
  const name = /^[^.\s/:@?#*][^\s/:@?#*]*$/.test(entry) ? URL.parse(`http://${entry}`)?.hostname : undefined
  if (name === undefined || isIP(name) !== 0)
    throw new MbflowError('CONFIG_INVALID', `"${entry}" is neither an address, a range nor a host name`, {
      hint: 'write it like 10.1.2.3, 10.0.0.0/8, fd00::/8 or db.internal',
    })
  return withoutFinalDot(name)
}

function withoutFinalDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}
