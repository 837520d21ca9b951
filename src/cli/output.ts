// What a command says. Results go to stdout, as text for people or, with --json, as JSON and nothing else; everything
// around them (progress, advice, errors) goes to stderr. Colours only where a terminal shows them (NO_COLOR is heeded), and
// there nothing that would move its cursor or turn its reading direction; in a file or a pipe texts stay what they are.
import { styleText } from 'node:util'
import { type Column, renderTable, type Style } from './table.ts'
import { terminalSafe } from './text.ts'

/** A stream of the process, or one that stands for it. */
export interface Stream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface Output {
  /** Whether --json was given. */
  readonly json: boolean
  /** Several things: a table, or a JSON array. Without any, `none` is what people read. */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): void
  /** One thing: the lines `text` makes of it, or its JSON. */
  one(value: unknown, text: () => readonly string[]): void
  /** One of a sequence that has no known end: its line, or one line of JSON. */
  next(value: unknown, text: () => string): void
  /** A remark beside the results, for people only. */
  note(line: string): void
  style(style: Style, text: string): string
  /** Columns of the terminal, if there is one. */
  readonly width: number | undefined
}

export interface OutputOptions {
  readonly stdout: Stream
  readonly stderr: Stream
  readonly json: boolean
}

export function createOutput({ stdout, stderr, json }: OutputOptions): Output {
  const width = stdout.isTTY ? stdout.columns : undefined
  const style = (name: Style, text: string): string => styleText(name, text, { stream: stdout })
  const write = (lines: readonly string[]): void => {
    for (const line of lines) stdout.write(`${stdout.isTTY ? terminalSafe(line) : line}\n`)
  }
  const writeJson = (value: unknown): void => write([JSON.stringify(value, null, 2)])

  return {
    json,
    rows(rows, columns, none) {
      if (json) writeJson(rows)
      else if (rows.length === 0) stderr.write(`${none}\n`)
      else write(renderTable(rows, columns, { width, style }))
    },
    one: (value, text) => (json ? writeJson(value) : write(text())),
    next: (value, text) => write([json ? JSON.stringify(value) : text()]),
    note: line => {
      if (!json) stderr.write(`${line}\n`)
    },
    style,
    width,
  }
}
