// A secret from whoever runs the command: typed without being shown, or whole from standard input. Never an argument, which
// would stand in the history of the shell and in the list of processes.
import { Writable } from 'node:stream'
import { MbflowError } from '../base/errors.ts'
import type { Stream } from './output.ts'

export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: Stream
}

/** More than any secret has. */
const MOST_BYTES = 1024 * 1024

/** Line breaks at the end are not part of it. */
export async function readSecret(terminal: Terminal, question: string): Promise<string> {
  const text = terminal.stdin.isTTY ? await ask(terminal, question) : await readAll(terminal)
  return text.replace(/[\r\n]+$/, '')
}

async function readAll({ stdin }: Terminal): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of stdin) {
    parts.push(Buffer.from(part))
    bytes += part.length
    if (bytes > MOST_BYTES)
      throw new MbflowError('SECRET_INVALID', 'what is given on standard input is too long for a secret')
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts))
  } catch {
    throw new MbflowError('SECRET_INVALID', 'what is given on standard input is no text in UTF-8', {
      hint: 'encode bytes, in base64 for instance',
    })
  }
}

async function ask({ stdin, stderr }: Terminal, question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: stdin, output: nowhere, terminal: true })
  const left = new Promise<never>((_, reject) =>
    reader.once('close', () => reject(new MbflowError('REFUSED', 'no value was given; nothing was changed'))),
  )
  stderr.write(question)
  try {
    return await Promise.race([reader.question(''), left])
  } finally {
    left.catch(() => {})
    reader.close()
    stderr.write('\n')
  }
}
