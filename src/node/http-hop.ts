// Going where an answer leads: to the target of a redirect, or to the next page. Where that is, the server decides, or
// whoever wrote into its data.
//
// 1. Every hop is a request of its own, so that the guard of the client judges it like the first.
// 2. Another origin gets none of the headers that may hold credentials, and none of them come back later.
// 3. What was asked over TLS is not asked without it.
import type { HttpResponse } from '../base/http-client.ts'
import type { Message } from './http-request.ts'

type Problem = { readonly problem: string }

const HARMLESS = ['accept', 'accept-language', 'content-type', 'idempotency-key', 'traceparent', 'user-agent']

/** The same request, sent to `location`, which may be relative. */
export function leadTo(message: Message, location: string): Message | Problem {
  const from = new URL(message.url)
  const target = URL.parse(location, from.href)
  if (target === null) return { problem: 'it leads to what is no URL' }
  if (from.protocol === 'https:' && target.protocol === 'http:') return { problem: 'it leads from https to http' }
  const headers =
    target.origin === from.origin ? message.headers : pick(message.headers, name => HARMLESS.includes(name))
  return { ...message, url: target.href, headers }
}

/** The request a redirect asks for; null when the answer is none. */
export function redirected(message: Message, { status, headers }: HttpResponse): Message | Problem | null {
  if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined) return null
  const target = leadTo(message, headers.location)
  if ('problem' in target || keepsMethod(message.method, status)) return target
  const { body: _, ...bare } = target
  return { ...bare, method: 'GET', headers: pick(target.headers, name => name !== 'content-type') }
}

/** What browsers do, and servers therefore mean. */
function keepsMethod(method: string, status: number): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return status === 303 ? false : status > 303 || method !== 'POST'
}

function pick(headers: Message['headers'], which: (name: string) => boolean): Message['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => which(name)))
}
