// A request as it came in, before anything in it is believed.

export interface InboundRequest {
  readonly method: string
  /** By lower-case name, as node:http gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** What follows the `?` of the URL, as it was sent. */
  readonly query: string
  /** The bytes as they were sent: a signature is over these, not over what they mean. */
  readonly body: Buffer
}

/** The text of a header; undefined when it is missing or empty. A repeated one is a list, parted by commas. */
export function headerOf({ headers }: Pick<InboundRequest, 'headers'>, name: string): string | undefined {
  return [headers[name.toLowerCase()] ?? []].flat().join(', ').trim() || undefined
}
