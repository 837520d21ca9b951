// What the URLs of a daemon begin with.

/** Where a server that listens on an address is reached from this machine. */
export function listenUrl(host: string, port: number): string {
  const known = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${known.includes(':') ? `[${known}]` : known}:${port}`
}

export interface Origin {
  readonly known: Promise<string>
  /** Where the server listens, if this daemon has one: which port that is, only the server knows. */
  settle(listening: string | undefined): void
}

export function createOrigin(config: { publicUrl?: string | undefined; host: string; port: number }): Origin {
  const { promise: known, resolve } = Promise.withResolvers<string>()
  const { publicUrl, host, port } = config
  return { known, settle: listening => resolve(publicUrl ?? listening ?? listenUrl(host, port)) }
}
