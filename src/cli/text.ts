// Text as a terminal shows it: how wide it is, where it may be cut, what must never reach it, and times as people say them.
import { formatDuration } from '../base/duration.ts'

// Sequences that move the cursor, colour the line or turn the reading direction would let a name rewrite the screen.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Somebody else's text on one line: control characters are written as escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, char => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// The ends of lines, and what `styleText` writes for our styles.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OURS = /(\n|\u001b\[(?:1|2|22|31|32|33|36|39)m)/

/** Lines of ours, with their colours, in which somebody else's text stands: that is made printable. */
export function terminalSafe(lines: string): string {
  return lines
    .split(OURS)
    .map((piece, i) => (i % 2 === 0 ? printable(piece) : piece))
    .join('')
}

const ASCII = /^[\u0020-\u007e]*$/
const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Control}\p{Mark}]+$/u
const EMOJI = /^(\p{Emoji_Presentation}|\p{Regional_Indicator}{2}|.\ufe0f)/u
const EAST_ASIAN =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u

/** Terminal columns of what a reader takes for one character. */
function graphemeWidth(grapheme: string): number {
  if (ASCII.test(grapheme)) return grapheme.length
  if (INVISIBLE.test(grapheme)) return 0
  return EMOJI.test(grapheme) || EAST_ASIAN.test(grapheme) ? 2 : 1
}

let segmenter: Intl.Segmenter | undefined

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter()
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

/** Terminal columns of a printable text. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  return graphemes(text).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0)
}

/** The text, or as much of its beginning as fits `width` columns together with `…`. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const grapheme of graphemes(text)) {
    used += graphemeWidth(grapheme)
    if (used > width) break
    kept += grapheme
  }
  return `${kept}…`
}

const UNITS = [86_400_000, 3_600_000, 60_000, 1_000] as const

/** A duration in its two largest units, as far as people care: `2d 3h`, `1m 5s`, `850ms`. */
export function roughly(ms: number): string {
  const rounded = Math.round(Math.abs(ms))
  const unit = UNITS.findIndex(size => rounded >= size)
  if (unit < 0) return `${rounded}ms`
  const smallest = UNITS[Math.min(unit + 1, UNITS.length - 1)] ?? 1
  return formatDuration(Math.floor(rounded / smallest) * smallest).replace(/[a-z](?=\d)/g, '$& ')
}

/** `in 5m`, `3s ago`, `now`. */
export function relative(instant: Date, now: Date): string {
  const ms = instant.getTime() - now.getTime()
  if (Math.abs(ms) < 1_000) return 'now'
  return ms > 0 ? `in ${roughly(ms)}` : `${roughly(ms)} ago`
}

/** The exact instant and how far it is: `2026-03-08T02:30:00Z (in 5m)`. */
export function exactly(instant: Date, now: Date): string {
  return `${instant.toISOString().replace('.000Z', 'Z')} (${relative(instant, now)})`
}
