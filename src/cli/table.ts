// Tables for people: columns as wide as their content. On a terminal that is too narrow, cells are cut with `…` where
// their column allows it; if that is not enough, columns leave, the least important first, and the table says so.
// Without a width (output into a file or a pipe) nothing is ever cut.
import { cut, displayWidth, printable } from './text.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** On a narrow terminal cells may be cut to this many columns; never, if absent. */
  readonly least?: number
  /** On a terminal too narrow even so, columns leave in the order of this number, highest first; never, if absent. */
  readonly leaves?: number
  readonly style?: (row: Row) => Style | undefined
}

export interface TableOptions {
  /** Columns of the terminal; endless, if absent. */
  readonly width?: number | undefined
  readonly style: (style: Style, text: string) => string
}

const GAP = 2

interface Laid<Row> {
  readonly column: Column<Row>
  readonly cells: readonly string[]
  readonly width: number
}

/** The lines of the table, titles first. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width = Number.POSITIVE_INFINITY, style }: TableOptions,
): string[] {
  const natural = columns.map(column => {
    const cells = rows.map(row => printable(column.cell(row)))
    return {
      column,
      cells,
      width: cells.reduce((most, cell) => Math.max(most, displayWidth(cell)), displayWidth(column.title)),
    }
  })
  const laid = arrange(natural, width)

  function place({ column, width }: Laid<Row>, text: string, name: Style | undefined): string {
    const shown = cut(text, width)
    const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)))
    const painted = name === undefined ? shown : style(name, shown)
    return column.align === 'right' ? blanks + painted : painted + blanks
  }

  const lines = [
    laid.map(one => place(one, one.column.title, 'bold')),
    ...rows.map((row, r) => laid.map(one => place(one, one.cells[r] ?? '', one.column.style?.(row)))),
  ].map(cells => cells.join(' '.repeat(GAP)).trimEnd())

  const gone = columns.filter(column => !laid.some(kept => kept.column === column))
  if (gone.length > 0) {
    lines.push(style('dim', `not shown for want of room: ${gone.map(({ title }) => title).join(', ')}; see --json`))
  }
  return lines
}

const total = (laid: readonly { width: number }[]): number =>
  laid.reduce((sum, { width }) => sum + width, GAP * (laid.length - 1))

function arrange<Row>(natural: readonly Laid<Row>[], width: number): readonly Laid<Row>[] {
  const tightest = natural.map(laid => ({ ...laid, width: Math.min(laid.width, laid.column.least ?? laid.width) }))
  if (total(tightest) <= width) return widen(tightest, natural, width)
  const leaver = natural
    .filter(({ column }) => column.leaves !== undefined)
    .sort((a, b) => (b.column.leaves ?? 0) - (a.column.leaves ?? 0))[0]
  if (leaver === undefined) return tightest
  return arrange(
    natural.filter(laid => laid !== leaver),
    width,
  )
}

/** Gives the room that is left to the columns that were cut, one column each in turn, so that the short ones fill first. */
function widen<Row>(tightest: readonly Laid<Row>[], natural: readonly Laid<Row>[], width: number): Laid<Row>[] {
  const widths = tightest.map(laid => laid.width)
  let room = Math.min(width - total(tightest), total(natural) - total(tightest))
  for (let i = 0; room > 0; i = (i + 1) % widths.length) {
    if ((widths[i] ?? 0) >= (natural[i]?.width ?? 0)) continue
    widths[i] = (widths[i] ?? 0) + 1
    room--
  }
  return natural.map((laid, i) => ({ ...laid, width: widths[i] ?? laid.width }))
}
