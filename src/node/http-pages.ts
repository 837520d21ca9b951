// Answers that come in pages: asks for one after the other, as `next_page` says, and collects what `items` finds in each.
//
// 1. It ends with the last page, or with all items that were wanted. Anything else is a failure: of a list that could not
//    be read to its end there is no output.
// 2. Where pages lead is data of the server: `leadTo` judges it.
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { ExpressionError } from '../expression/expression.ts'
import { exchange, type Terms } from './http-exchange.ts'
import { leadTo } from './http-hop.ts'
import type { Message } from './http-request.ts'
import { failed, type NodeContext, type Outcome } from './node-type.ts'

/** As in the config of the node. */
interface Paging {
  readonly next_page: string
  readonly items: string
  readonly max_pages: number
  readonly max_items: number
}

type Problem = { readonly problem: string }

export async function collectPages(
  first: Message,
  paging: Paging,
  { terms, context }: { terms: Terms; context: NodeContext },
): Promise<Outcome> {
  const collected: Json[] = []
  const asked = new Set<string>()
  let left = MAX_OUTPUT_BYTES
  let message = first
  for (let page = 1; ; page++) {
    asked.add(message.url)
    const exchanged = await exchange(message, terms)
    if ('kind' in exchanged) return exchanged
    const { answer } = exchanged
    const seen = { ...answer, links: linksOf(answer.headers.link ?? '', exchanged.message.url), page }

    const found = itemsOf(await find(context, ['items', paging.items], seen))
    const items = found.slice(0, paging.max_items - collected.length)
    left -= Buffer.byteLength(JSON.stringify(items))
    if (left < 0)
      return failed('OUTPUT_TOO_LARGE', `the items of ${page} pages have more than ${MAX_OUTPUT_BYTES} bytes as JSON`)
    for (const item of items) collected.push(item) // there may be more of them than arguments a call can have
    const completed: Outcome = { kind: 'completed', output: { ...answer, body: collected, pages: page } }
    if (collected.length === paging.max_items) return completed

    const next = nextPage(exchanged.message, await find(context, ['next_page', paging.next_page], seen))
    if (next === null) return completed
    if ('problem' in next) return failed('HTTP_PAGE_INVALID', `next_page of page ${page}: ${next.problem}`)
    if (asked.has(next.url))
      return failed('HTTP_PAGE_INVALID', `next_page of page ${page}: it leads back to a page that was fetched`)
    if (page === paging.max_pages)
      return failed('HTTP_TOO_MANY_PAGES', `there are more pages than max_pages, which is ${page}`)
    message = numbered(next, context.idempotencyKey, page + 1)
  }
}

/** The value of an expression of the config over what a page brought; its errors name the field. */
async function find(
  { evaluate }: NodeContext,
  [field, expression]: readonly [string, string],
  seen: JsonObject,
): Promise<Json | undefined> {
  try {
    return await evaluate(expression, seen)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw new ExpressionError(error.code, `${field}: ${error.message}`, error.position)
  }
}

/** Each page is a request of its own to a receiver that keeps the keys, and the same one in every attempt. */
function numbered(message: Message, idempotencyKey: string, page: number): Message {
  const { 'idempotency-key': key = '', ...headers } = message.headers
  if (!key.startsWith(idempotencyKey)) return message
  return { ...message, headers: { ...headers, 'idempotency-key': `${idempotencyKey}-${page}` } }
}

/** The URLs of a Link header (RFC 8288) by relation: `{next: "https://…"}`; of equal relations the first. */
export function linksOf(header: string, base: string): JsonObject {
  const links = new Map<string, string>()
  for (const [, target = '', parameters = ''] of header.matchAll(/<([^<>]*)>([^<]*)/g)) {
    const url = URL.parse(target, base)?.href
    const [, quoted, plain = ''] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^";,\s]+))/i.exec(parameters) ?? []
    for (const relation of (quoted ?? plain).toLowerCase().split(/\s+/))
      if (url !== undefined && relation !== '' && !links.has(relation)) links.set(relation, url)
  }
  return Object.fromEntries(links)
}

/** The request for the page that `next`, the value of `next_page`, leads to; null after the last. */
function nextPage(message: Message, next: Json | undefined): Message | Problem | null {
  if (next === undefined || next === null || next === false || next === '') return null
  if (typeof next === 'string') return leadTo(message, next)
  if (!isJsonObject(next)) return { problem: `it gave ${JSON.stringify(next)}, neither a URL nor query parameters` }
  const url = new URL(message.url)
  for (const [name, value] of Object.entries(next)) {
    if (value === null || typeof value === 'object')
      return { problem: `it gave a query parameter "${name}" that is neither text nor number` }
    url.searchParams.set(name, String(value))
  }
  return { ...message, url: url.href }
}

/** Expressions find nothing where a page is empty, and the item itself where it is the only one. */
function itemsOf(found: Json | undefined): readonly Json[] {
  if (found === undefined || found === null) return []
  return Array.isArray(found) ? found : [found]
}
