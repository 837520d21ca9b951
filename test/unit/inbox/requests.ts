// Requests as tests send them.
import type { InboundRequest } from '../../../src/inbox/request.ts'

interface Parts extends Partial<Omit<InboundRequest, 'body'>> {
  readonly body?: string | Buffer
}

/** A POST of JSON unless told otherwise. */
export function requestWith({ body = '', headers = {}, ...parts }: Parts = {}): InboundRequest {
  return {
    method: 'POST',
    query: '',
    ...parts,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(body),
  }
}
