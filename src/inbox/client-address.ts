// Who sent a request, behind proxies: the right-most address that is not of a proxy the operator trusts.
//
// 1. What a client writes into the header itself stands to the left of what a trusted proxy adds, and is never believed.
// 2. Only the one header the proxies are known to write counts. A proxy that appends to X-Forwarded-For hands on a
//    Forwarded of the client's making as it is, and the other way round.
// 3. Where the chain of trust ends in something unreadable (`unknown`, `_hidden`), nobody is named: the address of a proxy
//    would pass for a client's.
import { isIP, SocketAddress } from 'node:net'
import type { AddressRanges } from '../base/address-ranges.ts'
import { headerOf, type InboundRequest } from './request.ts'

export interface TrustedProxies {
  readonly addresses: AddressRanges
  /** The header they write. */
  readonly header: 'x-forwarded-for' | 'forwarded'
}

/** In its shortest form, an IPv4 address never as IPv6; null when it is not known. `peer` is who holds the connection. */
export function clientAddress(
  peer: string,
  request: Pick<InboundRequest, 'headers'>,
  { addresses, header }: TrustedProxies,
): string | null {
  const direct = normalAddress(peer)
  if (direct === null || !addresses.has(direct)) return direct
  const text = headerOf(request, header)
  const hops = text === undefined ? [] : header === 'forwarded' ? forwardedFor(text) : text.split(',')
  let client: string | null = direct
  for (const hop of hops.reverse()) {
    client = normalAddress(withoutPort(hop.trim()))
    if (client === null || !addresses.has(client)) return client
  }
  return client
}

/** RFC 7239: one element per proxy, `for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"`. */
const ELEMENT_END = /\s*(?:,|$)/y
const PAIR = /\s*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~:[\]-]+)|"((?:[^"\\]|\\.)*)")\s*(?:;|(?=,|$))/y

/** The `for` of each element; an unreadable one ends the trust, as the elements after it cannot be told apart. */
function forwardedFor(text: string): string[] {
  const hops: string[] = []
  for (let at = 0; at < text.length; ) {
    let hop = ''
    for (let pair = match(PAIR, text, at); pair !== null; pair = match(PAIR, text, at)) {
      const [, name = '', token, quoted = ''] = pair
      if (name.toLowerCase() === 'for') hop = token ?? quoted.replace(/\\(.)/g, '$1')
      at = PAIR.lastIndex
    }
    if (match(ELEMENT_END, text, at) === null) return ['']
    at = ELEMENT_END.lastIndex
    hops.push(hop)
  }
  return hops
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
function withoutPort(hop: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? []
  return bracketed ?? plain ?? hop
}

function normalAddress(text: string): string | null {
  const version = isIP(text)
  if (version === 0) return null
  const { address } = new SocketAddress({ address: text, family: version === 4 ? 'ipv4' : 'ipv6' })
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
