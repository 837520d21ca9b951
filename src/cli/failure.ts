// What a command that failed says and the status it exits with: the one place where a kind of error becomes an exit code.
import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { type ErrorKind, MbflowError, messageOf } from '../base/errors.ts'
import type { Stream } from './output.ts'
import { printable } from './text.ts'

/** The codes of sysexits.h where they have one: EX_UNAVAILABLE, EX_TEMPFAIL, EX_CONFIG. */
const exitCodes: Readonly<Record<ErrorKind, number>> = {
  internal: 1,
  invalid: 1,
  not_found: 1,
  conflict: 1,
  gone: 1,
  unfit: 1,
  usage: 2,
  unavailable: 69,
  busy: 75,
  config: 78,
}

/** Writes the error for people or programs, and returns the exit code. */
export function reportFailure(thrown: unknown, stderr: Stream, json: boolean): number {
  const error = asError(thrown)
  if (json) stderr.write(`${JSON.stringify({ error: toJson(error) })}\n`)
  else for (const line of toLines(error, stderr)) stderr.write(`${line}\n`)
  return exitCodes[error.kind]
}

/** Whatever was thrown; what is not an error of ours is our fault, and only its stack can tell where. */
function asError(thrown: unknown): MbflowError {
  if (thrown instanceof MbflowError) return thrown
  if (thrown instanceof CommanderError) return usageError(thrown)
  return new MbflowError('INTERNAL', `unexpected: ${messageOf(thrown)}`, {
    cause: thrown,
    hint: 'this is a fault of MBFlow; please report it with the lines above',
  })
}

/** `error: unknown command 'x'\n(Did you mean y?)` in our form. */
function usageError({ message }: CommanderError): MbflowError {
  const [what = '', guess] = message.replace(/^error: /, '').split('\n')
  const meant = guess?.match(/^\(Did you mean (.+)\?\)$/)?.[1]
  return new MbflowError('USAGE', what, {
    hint: meant === undefined ? 'see mbflow --help' : `did you mean ${meant}?`,
  })
}

function toJson({ code, message, hint, problems, details }: MbflowError): unknown {
  return {
    code,
    message,
    hint,
    ...(problems.length > 0 && { problems }),
    ...(Object.keys(details).length > 0 && { details }),
  }
}

function toLines({ code, message, hint, problems, cause }: MbflowError, stream: Stream): string[] {
  const red = (text: string): string => styleText('red', text, { stream })
  const cyan = (text: string): string => styleText('cyan', text, { stream })
  const [first = '', ...more] = message.split('\n')
  const stack = code === 'INTERNAL' && cause instanceof Error ? (cause.stack ?? '').split('\n') : []
  return [
    `${red('error:')} ${printable(first)}`,
    ...[...more, ...stack].map(line => `  ${printable(line)}`),
    ...problems.map(({ path, message, hint }) => {
      const where = path === '' ? '' : `${printable(path)}: `
      return `  ${where}${printable(message)}${hint === undefined ? '' : ` (${printable(hint)})`}`
    }),
    ...(hint === undefined ? [] : [`${cyan('hint:')} ${printable(hint)}`]),
  ]
}
