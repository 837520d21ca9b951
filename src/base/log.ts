// Structured logs: JSON lines, or readable lines on a terminal. `evt` names the event, ids are fields, the message is
// constant. error = someone must act; warn = degraded but handled; info = lifecycle and fires; debug = per node.
import { type DestinationStream, type Logger as Pino, pino } from 'pino'

export type Logger = Pino

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  readonly level: LogLevel
  /** Readable lines instead of JSON. */
  readonly pretty: boolean
}

const REDACTED = [
  'password',
  '*.password',
  'authorization',
  '*.authorization',
  'connectionString',
  '*.connectionString',
]

/** Logs go to stderr, so that stdout stays what a command prints. */
export async function createLogger({ level, pretty }: LogOptions): Promise<Logger> {
  const options = {
    level,
    base: null,
    serializers: { err: describeError },
    redact: { paths: REDACTED, censor: '[redacted]' },
  }
  if (!pretty)
    return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
  const { default: prettyStream } = await import('pino-pretty')
  const stream: DestinationStream = prettyStream({
    destination: 2,
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    ignore: 'evt',
  })
  return pino(options, stream)
}

/** A logger whose lines, and those of its children, are changed by `scrub` before they are written. */
export function createScrubbed(log: Logger, scrub: (line: string) => string): Logger {
  const { streamSym } = pino.symbols
  const stream = (log as unknown as Record<symbol, DestinationStream>)[streamSym]
  return Object.assign(log.child({}), { [streamSym]: { write: (line: string) => stream?.write(scrub(line)) } })
}

/** Network errors and SQLSTATEs of a server that is away, full or overrun: where in our code they surfaced says nothing. */
const OUTAGE = /^(E[A-Z_]+|08...|53...|57...)$/

/** Of an error what helps to find its cause, and nothing of the objects that libraries hang on it (clients, requests). */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name: type, message, stack } = error
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && OUTAGE.test(code) ? { type, message, code } : { type, message, code, stack }
}

/** Says nothing; for tests and for code that runs before a logger exists. */
export const silentLogger: Logger = pino({ level: 'silent' })
