// What the contract suite runs the types of notify.ts with: `npm run test:plugin -- examples/plugins/notify.ts`.
import { type HttpClient, HttpClientError } from 'mbflow/plugin'
import type { Fixtures } from '../../test/contract/node-type-suite.ts'

const answering = (status: number): HttpClient => ({
  request: async () => ({ status, headers: {}, body: new Uint8Array() }),
})
const unreachable: HttpClient = {
  request: async () => {
    throw new HttpClientError('HTTP_UNREACHABLE', 'nobody there', { retryable: true })
  },
}
const begun = Promise.withResolvers<void>()
const silent: HttpClient = {
  request: ({ signal }) => {
    begun.resolve()
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  },
}
const config = { url: 'https://example.com/hook', text: 'hello' }

export const fixtures: Fixtures = {
  'acme/notify': {
    completes: [
      { name: 'a text', config, context: { http: answering(204) } },
      {
        name: 'a text with a token',
        config: { ...config, secret: 'key' },
        context: { http: answering(200), secret: 'the key of this test' },
      },
    ],
    fails: [
      { name: 'a refusal', config, context: { http: answering(400) }, code: 'NOTIFY_REFUSED' },
      { name: 'nobody there', config, context: { http: unreachable }, code: 'HTTP_UNREACHABLE' },
    ],
    hangs: { name: 'a server that never answers', config, context: { http: silent }, waiting: () => begun.promise },
  },
}
