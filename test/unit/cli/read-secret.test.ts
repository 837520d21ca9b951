import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { readSecret } from '../../../src/cli/read-secret.ts'
import { recorder } from './recorder.ts'

function terminal(isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const { stream: stderr, text } = recorder(isTTY)
  return { stdin, stderr, shown: text }
}

test('what is typed at a terminal is asked for and not shown', async () => {
  const { shown, ...given } = terminal(true)
  const read = readSecret(given, 'The value: ')
  given.stdin.write('sk-1234567890\r')
  expect(await read).toBe('sk-1234567890')
  expect(shown()).toBe('The value: \n')
})

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s at a terminal gives no value', async (_, key) => {
  const given = terminal(true)
  const read = readSecret(given, 'The value: ')
  given.stdin.write(`sk-12`)
  given.stdin.write(key === '\u0004' ? `\u0015${key}` : key)
  await expect(read).rejects.toMatchObject({ code: 'REFUSED' })
})

test.each([
  ['a line', ['sk-1234567890\n'], 'sk-1234567890'],
  ['several lines in parts', ['-----BEGIN\nxy', 'ü\n-----END\r\n\n'], '-----BEGIN\nxyü\n-----END'],
  ['no end of line', ['  blanks stay  '], '  blanks stay  '],
  ['nothing', [], ''],
])('%s from standard input is read whole, without the line breaks at the end', async (_, parts, value) => {
  const { shown, ...given } = terminal(false)
  for (const part of parts) given.stdin.write(part)
  given.stdin.end()
  expect(await readSecret(given, 'The value: ')).toBe(value)
  expect(shown()).toBe('')
})

test.each([
  ['bytes that are no text', Buffer.from([0xc3, 0x28]), 'no text in UTF-8'],
  ['too much', Buffer.alloc(1024 * 1024 + 1, 'x'), 'too long'],
])('%s from standard input is refused', async (_, bytes, message) => {
  const given = terminal(false)
  given.stdin.end(bytes)
  await expect(readSecret(given, 'The value: ')).rejects.toMatchObject({
    code: 'SECRET_INVALID',
    message: expect.stringContaining(message),
  })
})
