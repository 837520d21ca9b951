// Until requests carry tokens, what protects a route is that strangers cannot reach it: it serves this machine only.
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { createAddressRanges } from '../base/address-ranges.ts'

const loopback = createAddressRanges(['127.0.0.0/8', '::1'])

/**
 * Whether both ends are this machine, and whoever asks knows it as such. A page in a browser here that reaches us under a
 * name of its own (DNS rebinding) does not; nor does a proxy on this machine that passes requests of others on.
 */
export function isFromHere({ socket, host, headers }: FastifyRequest): boolean {
  const isLocal = (address: string | undefined): boolean =>
    address !== undefined && isIP(address) !== 0 && loopback.has(address)
  const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some(name => headers[name] !== undefined)
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const isKnownAsSuch = name === 'localhost' || isLocal(name)
  return isLocal(socket.remoteAddress) && isLocal(socket.localAddress) && isKnownAsSuch && !isForwarded
}
