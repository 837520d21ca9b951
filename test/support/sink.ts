// A server that workflows ask, and that counts who asked.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'

export interface Sink {
  readonly url: string
  /** By the path, which is the key of the node: how often it was asked for since `forget`. */
  requests(): Record<string, number>
  /** Tokens of the URLs to call back. */
  callbacks(): readonly string[]
  forget(): void
}

/** Answers `{node}` after `?after=` milliseconds; the first `?failures=` times with 500. */
export async function startSink(): Promise<Sink> {
  let counts: Record<string, number> = {}
  let tokens: string[] = []
  const server = createServer(async (request, response) => {
    response.sendDate = false // the same request gets the same answer
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://sink')
    const node = pathname.slice(1)
    const count = (counts[node] ?? 0) + 1
    counts[node] = count
    let body = ''
    for await (const part of request) body += part
    const token = /callbacks\/([\w-]+)/.exec(body)?.[1]
    if (token !== undefined) tokens.push(token)
    await systemClock.sleep(Number(searchParams.get('after') ?? 0))
    response.writeHead(count > Number(searchParams.get('failures') ?? 0) ? 200 : 500, {
      'content-type': 'application/json',
    })
    response.end(JSON.stringify({ node }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => counts,
    callbacks: () => tokens,
    forget() {
      counts = {}
      tokens = []
    },
  }
}
