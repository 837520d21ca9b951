// How each rule of the house is checked: a rule takes the modules and gives the sentences that are wrong with them.
import type { House } from './house.ts'
import type { Import, Module } from './source.ts'

export type Rule = (modules: readonly Module[], house: House) => string[]

export const rules: { readonly [name: string]: Rule } = {
  'slices import only downwards': (modules, { layers, sees, exceptions }) => {
    const level = new Map(
      layers.split(' < ').flatMap((slices, i) => slices.split(', ').map(slice => [slice, i] as const)),
    )
    return modules.flatMap(({ path, slice, imports }) => {
      const from = level.get(slice)
      if (from === undefined) return [`${path} is in no slice of the house`]
      return imports.filter(isFile).flatMap(({ target }) => {
        const other = sliceOf(target)
        const to = level.get(other) ?? Number.POSITIVE_INFINITY
        const allowed = other === slice || (to < from && (sees[slice]?.includes(other) ?? true))
        return allowed || excepted(exceptions, path, target) ? [] : [`${path} imports ${target}`]
      })
    })
  },

  'only stores use the sql tag': (modules, { stores, sql }) =>
    modules
      .filter(({ path }) => !stores.test(path) && !isIn(sql, path))
      .flatMap(({ path, imports }) =>
        imports.filter(isFile).flatMap(({ target }) => (target === 'db/sql.ts' ? [`${path} imports ${target}`] : [])),
      ),

  'a store is private to its slice': (modules, { stores, exceptions }) =>
    modules.flatMap(({ path, slice, imports }) =>
      imports
        .filter(isFile)
        .filter(({ target }) => sliceOf(target) !== slice && stores.test(target) && !excepted(exceptions, path, target))
        .map(({ target }) => `${path} imports ${target}`),
    ),

  'pure files import only pure files and touch nothing outside': (
    modules,
    { pure, pureVendors, pureBuiltins, exceptions },
  ) => {
    const files = pureFiles(pure)
    const isAllowed = ({ kind, target, names }: Import): boolean => {
      if (kind === 'file') return isIn(files, target)
      if (kind === 'builtin') return names.every(name => pureBuiltins[target]?.includes(name) ?? false)
      return kind === 'package' && pureVendors.includes(target)
    }
    return modules
      .filter(({ path }) => isIn(files, path))
      .flatMap(({ path, imports, ambient }) => [
        ...imports
          .filter(used => !used.typeOnly && !isAllowed(used) && !excepted(exceptions, path, used.target))
          .map(({ target }) => `${path} imports ${target}`),
        ...IMPURE.filter(name => ambient.has(name)).map(name => `${path} uses ${name}`),
      ])
  },

  'a vendor stays behind its wall': (modules, { vendors }) =>
    modules.flatMap(({ path, imports, ambient }) => {
      const used = [
        ...imports.filter(({ kind }) => kind === 'package').map(({ target }) => target),
        ...Object.keys(vendors).filter(name => ambient.has(name)),
      ]
      return [
        ...used.flatMap(name => {
          const rooms = vendors[name]
          if (rooms === undefined) return [`${path} imports ${name}, which has no place in the house`]
          return isIn(rooms, path) ? [] : [`${path} uses ${name}, which belongs to ${rooms.join(', ')}`]
        }),
        ...imports
          .filter(({ target }) => target === 'node:process')
          .map(() => `${path} imports node:process, a way around the wall of process.env`),
      ]
    }),

  'every file of types/ is registered, and a registry holds nothing else': modules => {
    const types = modules.filter(({ path }) => path.includes('/types/'))
    return Object.entries(Object.groupBy(types, ({ slice }) => slice)).flatMap(([slice, files = []]) => {
      const registry = modules.find(({ path }) => path === `${slice}/registry.ts`)
      if (registry === undefined) return [`${slice}/types/ has no ${slice}/registry.ts`]
      const registered = registry.imports.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target)
      return [
        ...files
          .filter(({ path }) => !registered.includes(path))
          .map(({ path }) => `${path} is not in ${registry.path}`),
        ...registered
          .filter(target => !target.startsWith(`${slice}/types/`))
          .map(target => `${registry.path} imports ${target}`),
        ...[...registry.statements]
          .filter(word => !REGISTERING.includes(word))
          .map(word => `${registry.path} holds ${word}`),
      ]
    })
  },

  'no barrels, no default exports, no computed imports, no long files': (modules, { maxLines, exceptions }) =>
    modules.flatMap(({ path, lines, hasDefaultExport, imports }) => [
      ...(/(^|\/)index\.ts$/.test(path) ? [`${path} is a barrel`] : []),
      ...(hasDefaultExport ? [`${path} has a default export`] : []),
      ...imports
        .filter(({ kind, target }) => kind === 'unreadable' && !excepted(exceptions, path, target))
        .map(({ target }) => `${path} has ${target}`),
      ...(lines > maxLines ? [`${path} has ${lines} lines, more than ${maxLines}`] : []),
    ]),

  'the house speaks only of what is there': (modules, { pure, exceptions }) => [
    ...pureFiles(pure)
      .filter(room => !modules.some(({ path }) => within(room, path)))
      .map(room => `${room} is called pure and is not there`),
    ...exceptions
      .filter(
        ({ from, to }) =>
          !modules.some(({ path, imports }) => within(from, path) && imports.some(({ target }) => within(to, target))),
      )
      .map(({ from, to }) => `${from} → ${to} is excepted and not used`),
  ],

  'no import cycles': modules => {
    const graph = new Map(
      modules.map(({ path, imports }) => [path, imports.filter(isFile).map(({ target }) => target)]),
    )
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      const start = trail.indexOf(path)
      if (start >= 0) cycles.push([...trail.slice(start), path].join(' → '))
      if (start >= 0 || done.has(path)) return
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
    return cycles
  },
}

const REGISTERING = ['import', 'const', 'export const']
const IMPURE = [
  'Date.now',
  'new Date',
  'Math.random',
  'performance.now',
  'process.env',
  'fetch()',
  'setTimeout()',
  'setInterval()',
]

function pureFiles(pure: House['pure']): string[] {
  return Object.entries(pure).flatMap(([slice, names]) =>
    names.split(' ').map(name => (name.endsWith('/') ? `${slice}/${name}` : `${slice}/${name}.ts`)),
  )
}

function isIn(rooms: readonly string[], path: string): boolean {
  return rooms.some(room => within(room, path))
}

function isFile({ kind }: Import): boolean {
  return kind === 'file'
}

function sliceOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '')
}

function within(room: string, path: string): boolean {
  return room.endsWith('/') ? path.startsWith(room) : path === room
}

function excepted(exceptions: House['exceptions'], from: string, to: string): boolean {
  return exceptions.some(exception => within(exception.from, from) && within(exception.to, to))
}
