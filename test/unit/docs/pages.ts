// The pages people read, in the pieces that tests check: code blocks, commands, tables, links.
import { globSync, readFileSync } from 'node:fs'

export const ROOT = new URL('../../../', import.meta.url).pathname

export interface Block {
  /** `README.md:12`, where it begins. */
  readonly at: string
  /** The heading it stands under. */
  readonly heading: string
  /** What stands behind the opening fence: `yaml`, `console`, `json output`. */
  readonly info: string
  readonly text: string
}

export interface Table {
  readonly at: string
  /** The heading it stands under. */
  readonly heading: string
  readonly head: readonly string[]
  /** Cells of each row but the head. */
  readonly rows: readonly (readonly string[])[]
}

export interface Word {
  readonly at: string
  readonly text: string
}

export interface Page {
  /** Relative to the project. */
  readonly path: string
  readonly blocks: readonly Block[]
  readonly tables: readonly Table[]
  readonly headings: readonly string[]
  /** Targets of its links. */
  readonly links: readonly Word[]
  /** What stands between backquotes in running text. */
  readonly code: readonly Word[]
}

export function readPages(): Page[] {
  const paths = ['*.md', 'docs/**/*.md', 'migrations/*.md', 'deploy/**/*.md'].flatMap(cover =>
    globSync(cover, { cwd: ROOT }),
  )
  return paths.sort().map(readPage)
}

export function readPage(path: string): Page {
  const blocks: Block[] = []
  const tables: Table[] = []
  const headings: string[] = []
  const prose: Word[] = []
  let block: { at: string; heading: string; info: string; lines: string[] } | undefined
  let rows: string[][] | undefined
  readFileSync(`${ROOT}${path}`, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const at = `${path}:${index + 1}`
      const [, fence] = /^```(.*)$/.exec(line) ?? []
      if (block !== undefined) {
        if (fence === undefined) block.lines.push(line)
        else {
          const { lines, ...rest } = block
          blocks.push({ ...rest, text: lines.join('\n') })
          block = undefined
        }
        return
      }
      if (fence !== undefined) {
        block = { at, heading: headings.at(-1) ?? '', info: fence, lines: [] }
        return
      }
      const [, heading] = /^#+ (.*)$/.exec(line) ?? []
      if (heading !== undefined) headings.push(heading)
      if (!line.startsWith('|')) rows = undefined
      else if (rows !== undefined) rows.push(cellsOf(line))
      else {
        rows = []
        tables.push({ at, heading: headings.at(-1) ?? '', head: cellsOf(line), rows })
      }
      prose.push({ at, text: line })
    })
  if (block !== undefined) throw new Error(`the code block at ${block.at} is never closed`)
  return { path, blocks, tables: tables.map(withoutRule), headings, links: linksOf(prose), code: codeOf(prose) }
}

/** The blocks of JSON that follow one on the same page, by what they are: `json output` is the `output`. */
export function jsonAfter({ blocks }: Page, block: Block): { readonly [what: string]: string } {
  const after = blocks.slice(blocks.indexOf(block) + 1)
  const other = after.findIndex(({ info }) => !info.startsWith('json '))
  const json = other === -1 ? after : after.slice(0, other)
  return Object.fromEntries(json.map(({ info, text }) => [info.slice('json '.length), text]))
}

/** The commands of a page: lines after `$ ` in transcripts, lines of shell blocks, and those within running text. */
export function commandsOf({ blocks, code }: Page): Word[] {
  const lines = blocks.flatMap(({ at, info, text }) => {
    if (info === 'sh') return text.split('\n').map(line => ({ at, text: line.replace(/(^|\s)#.*$/, '') }))
    if (info !== 'console') return []
    return text.split('\n').flatMap(line => (line.startsWith('$ ') ? [{ at, text: line.slice(2) }] : []))
  })
  return [...lines, ...code].flatMap(({ at, text }) =>
    text
      .split(/ && | \| /)
      .map(command => ({ at, text: command.trim().replace(/^((\w+=\S*|env) )+/, '') }))
      .filter(command => /^(bin\/)?(mbflow|migrate) |^npm /.test(command.text)),
  )
}

/** The words of a command as a shell takes them. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  return words.map(word => word.replace(/^(['"])(.*)\1$/s, '$2'))
}

/** The code a cell holds. */
export function codeIn(cell: string): string {
  return /^(`+) ?(.*?) ?\1$/.exec(cell)?.[2] ?? cell
}

/** The names GitHub gives the headings of a page in links; of equal ones the second ends in -1. */
export function anchorsOf({ headings }: Page): string[] {
  const anchors = headings.map(anchorOf)
  return anchors.map((anchor, i) => {
    const before = anchors.slice(0, i).filter(other => other === anchor).length
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim())
}

function withoutRule(table: Table): Table {
  return { ...table, rows: table.rows.slice(1) }
}

function linksOf(prose: readonly Word[]): Word[] {
  return prose.flatMap(({ at, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ at, text: target })),
  )
}

function codeOf(prose: readonly Word[]): Word[] {
  return prose.flatMap(({ at, text }) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ({ at, text: code })))
}
