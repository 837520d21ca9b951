// Reads sources into the facts the rules speak of. A real parser does the reading (the one vitest carries), so text in
// comments, strings and templates is never taken for code, and type-only imports count like any other.
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'

/** Sources by path, relative to `src/`. */
export type Sources = ReadonlyMap<string, string>

export interface Import {
  /** Path relative to `src/` for a file, package name for a package (`typebox/value` is `typebox`). */
  readonly target: string
  readonly kind: 'file' | 'package' | 'builtin' | 'unreadable'
  /** Erased before the program runs. */
  readonly typeOnly: boolean
  /** What it takes of the module; `*` for all of it. */
  readonly names: readonly string[]
}

export interface Module {
  /** Relative to `src/`: `trigger/types/cron.ts`. */
  readonly path: string
  /** First folder, or the file's own name at the top: `trigger`, `app`. */
  readonly slice: string
  readonly lines: number
  readonly imports: readonly Import[]
  readonly hasDefaultExport: boolean
  /** What it takes from outside without an import: `process.env`, `Date.now` … */
  readonly ambient: ReadonlySet<string>
  /** Kinds of its top-level statements. */
  readonly statements: ReadonlySet<string>
}

type Ast = { readonly type: string; readonly [field: string]: unknown }

const SRC = new URL('../../src/', import.meta.url)

export function readSources(): Sources {
  const paths = globSync('**/*.{ts,cjs}', { cwd: SRC.pathname }).map(path => path.replaceAll('\\', '/'))
  return new Map(paths.sort().map(path => [path, readFileSync(new URL(path, SRC), 'utf8')]))
}

export function readModules(sources: Sources): Module[] {
  return [...sources].map(([path, source]) => readModule(path, source))
}

function readModule(path: string, source: string): Module {
  const program = parse(path, source)
  const imports: Import[] = []
  const ambient = new Set<string>()
  let hasDefaultExport = false
  walk(program, node => {
    if (importedBy(node) !== undefined) imports.push(readImport(path, node))
    for (const name of ambientNames(node)) ambient.add(name)
    if (node.type === 'ExportDefaultDeclaration') hasDefaultExport = true
    if (node.type === 'ExportSpecifier' && nameOf(node.exported) === 'default') hasDefaultExport = true
  })
  return {
    path,
    slice: path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''),
    lines: source.replace(/\n$/, '').split('\n').length,
    imports,
    hasDefaultExport,
    ambient,
    statements: new Set((program.body as Ast[]).map(describeStatement)),
  }
}

function parse(path: string, source: string): Ast {
  try {
    return parseAst(source, { lang: 'ts' }) as unknown as Ast
  } catch (error) {
    throw new Error(`src/${path} cannot be parsed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function walk(node: Ast, visit: (node: Ast) => void): void {
  visit(node)
  for (const child of Object.values(node).flat()) if (isAst(child)) walk(child, visit)
}

function isAst(value: unknown): value is Ast {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** Static, re-exporting, dynamic and type imports: everything with a module as its `source`; and `require`. */
function importedBy(node: Ast): unknown {
  if (/^(Import|Export|TSImport)/.test(node.type)) return node.source ?? undefined
  return node.type === 'CallExpression' && nameOf(node.callee) === 'require'
    ? (node.arguments as unknown[])[0]
    : undefined
}

function readImport(from: string, node: Ast): Import {
  const typeOnly = node.importKind === 'type' || node.exportKind === 'type' || node.type === 'TSImportType'
  const specifier = (importedBy(node) as Ast).value
  const names = importedNames(node)
  if (typeof specifier !== 'string') return { target: 'a computed import', kind: 'unreadable', typeOnly, names }
  if (specifier.startsWith('.'))
    return { target: posix.join(posix.dirname(from), specifier), kind: 'file', typeOnly, names }
  if (specifier.startsWith('node:')) return { target: specifier, kind: 'builtin', typeOnly, names }
  const [scope = '', name] = specifier.split('/')
  return { target: scope.startsWith('@') ? `${scope}/${name}` : scope, kind: 'package', typeOnly, names }
}

function importedNames(node: Ast): string[] {
  if (node.type !== 'ImportDeclaration') return ['*']
  const values = (node.specifiers as Ast[]).filter(({ importKind }) => importKind !== 'type')
  return values.length === 0 ? ['*'] : values.map(({ imported }) => nameOf(imported) || '*')
}

/** `process.env`, `Date.now` and other members of globals, `const { env } = process`, `new Date()`, `fetch` … */
function ambientNames(node: Ast): string[] {
  if (node.type === 'MemberExpression') {
    const object = node.object as Ast
    const owner = object.type === 'MemberExpression' ? nameOf(object.property) : nameOf(object)
    return owner === '' ? [] : [`${owner}.${nameOf(node.property)}`]
  }
  if (node.type === 'VariableDeclarator' && isAst(node.init) && isAst(node.id) && node.id.type === 'ObjectPattern')
    return (node.id.properties as Ast[]).map(property => `${nameOf(node.init)}.${nameOf(property.key)}`)
  if (node.type === 'NewExpression' && (node.arguments as unknown[]).length === 0) return [`new ${nameOf(node.callee)}`]
  if (node.type === 'CallExpression') return [`${nameOf(node.callee)}()`]
  return []
}

function nameOf(node: unknown): string {
  if (!isAst(node)) return ''
  return String(node.name ?? node.value ?? '')
}

/** `export const`, `import`, `function` … */
function describeStatement(node: Ast): string {
  if (node.type === 'ImportDeclaration') return 'import'
  const declaration = node.type === 'ExportNamedDeclaration' && isAst(node.declaration) ? node.declaration : node
  const word =
    declaration.type === 'VariableDeclaration'
      ? String(declaration.kind)
      : declaration.type.replace(/Declaration|Statement/, '').toLowerCase()
  return declaration === node ? word : `export ${word}`
}
