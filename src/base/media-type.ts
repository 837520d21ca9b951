// What a Content-Type says of a body: how it is read, and in which charset.

export interface MediaType {
  /** `text/plain`, without parameters, in lower case; empty where there is none. */
  readonly essence: string
  readonly kind: 'json' | 'form' | 'text' | 'other'
  readonly charset: string
}

const JSON_TYPE = /^(application|text)\/json$|\+json$/
const FORM_TYPE = 'application/x-www-form-urlencoded'
const TEXT_TYPE = /^text\/|[/+](xml|yaml)$|^application\/(x-ndjson|javascript)$/

export function parseMediaType(contentType: string): MediaType {
  const essence = contentType.replace(/;.*$/s, '').trim().toLowerCase()
  const charset = /;\s*charset="?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  return { essence, kind: kindOf(essence), charset }
}

function kindOf(essence: string): MediaType['kind'] {
  if (JSON_TYPE.test(essence)) return 'json'
  if (essence === FORM_TYPE) return 'form'
  return TEXT_TYPE.test(essence) ? 'text' : 'other'
}

/** Null when the charset is unknown or, with `fatal`, when the bytes are not in it. */
export function decodeText(bytes: Uint8Array, charset: string, options: { fatal?: boolean } = {}): string | null {
  try {
    return new TextDecoder(charset, options).decode(bytes)
  } catch {
    return null
  }
}
