import { Writable } from 'node:stream'
import type { Stream } from '../../../src/cli/output.ts'

/** A stream that keeps what was written to it. */
export function recorder(isTTY = false): { readonly stream: Stream; text(): string } {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY, columns: 80 }), text: () => text }
}
