// Requests and answers of nodes that speak HTTP: redirects are followed as far as they may be, and what goes wrong on the
// way is a failure that says whether another attempt could succeed.
import { type HttpClient, HttpClientError, type HttpResponse } from '../base/http-client.ts'
import { redirected } from './http-hop.ts'
import type { Message } from './http-request.ts'
import { type Answer, readAnswer } from './http-response.ts'
import { type Failed, failed } from './node-type.ts'

export interface Terms {
  readonly http: HttpClient
  readonly signal: AbortSignal
  /** Of each body. */
  readonly maxBytes: number
  readonly maxRedirects?: number | undefined
  readonly successCodes?: readonly (number | string)[] | undefined
}

interface Exchanged {
  readonly answer: Answer
  /** What was answered in the end: the message, or what redirects made of it. */
  readonly message: Message
}

export async function exchange(first: Message, terms: Terms): Promise<Exchanged | Failed> {
  const { maxRedirects = 0, successCodes = ['2xx'] } = terms
  let message = first
  for (let left = maxRedirects; ; left--) {
    const response = await send(message, terms)
    if ('kind' in response) return response
    const redirect = redirected(message, response)
    const next = redirect && left === 0 ? { problem: `the limit is ${maxRedirects} redirects` } : redirect
    if (next === null || 'problem' in next) {
      const read = readAnswer(response, { ...message, successCodes, unfollowed: next?.problem })
      return 'kind' in read ? read : { answer: read, message }
    }
    message = next
  }
}

async function send(message: Message, { http, signal, maxBytes }: Terms): Promise<HttpResponse | Failed> {
  try {
    return await http.request({ ...message, signal, maxBytes })
  } catch (error) {
    if (!(error instanceof HttpClientError)) throw error
    return failed(error.code, error.message, { retryable: error.retryable })
  }
}
