// The test of the architecture test: every rule finds what is planted against it, and leaves the permitted alone.
import { expect, test } from 'vitest'
import { house } from './house.ts'
import { rules } from './rules.ts'
import { readModules } from './source.ts'

type Files = { readonly [path: string]: string }

function findings(rule: string, files: Files, change: Partial<typeof house> = {}): string[] | undefined {
  return rules[rule]?.(readModules(new Map(Object.entries(files))), { ...house, ...change })
}

interface Planted {
  readonly rule: string
  readonly what: string
  readonly files: Files
  readonly found: readonly string[]
  readonly change?: Partial<typeof house>
}

const planted: readonly Planted[] = [
  {
    rule: 'slices import only downwards',
    what: 'an import upwards',
    files: { 'execution/start.ts': "import { fire } from '../trigger/fire.ts'" },
    found: ['execution/start.ts imports trigger/fire.ts'],
  },
  {
    rule: 'slices import only downwards',
    what: 'a type imported upwards',
    files: {
      'db/pool.ts': "import type { Job } from '../queue/queue.ts'",
      'db/tx.ts': "let job: import('../queue/queue.ts').Job",
    },
    found: ['db/pool.ts imports queue/queue.ts', 'db/tx.ts imports queue/queue.ts'],
  },
  {
    rule: 'slices import only downwards',
    what: 'an import hidden behind await, or re-exported',
    files: {
      'db/a.ts': "const queue = await import('../queue/queue.ts')",
      'db/b.ts': "export { enqueue } from '../queue/queue.ts'",
    },
    found: ['db/a.ts imports queue/queue.ts', 'db/b.ts imports queue/queue.ts'],
  },
  {
    rule: 'slices import only downwards',
    what: 'a sibling of the same line',
    files: { 'http/server.ts': "import { table } from '../cli/table.ts'" },
    found: ['http/server.ts imports cli/table.ts'],
  },
  {
    rule: 'slices import only downwards',
    what: 'a node that reaches past its context',
    files: { 'node/types/http.ts': "import { createPool } from '../../db/pool.ts'" },
    found: ['node/types/http.ts imports db/pool.ts'],
  },
  {
    rule: 'slices import only downwards',
    what: 'a folder that is no slice, and a way out of src',
    files: { 'utils/text.ts': '', 'base/text.ts': "import manifest from '../../package.json'" },
    found: ['utils/text.ts is in no slice of the house', 'base/text.ts imports ../package.json'],
  },
  {
    rule: 'only stores use the sql tag',
    what: 'SQL in a verb',
    files: {
      'trigger/fire.ts': "import { sql } from '../db/sql.ts'",
      'trigger/store.ts': "import { sql } from '../db/sql.ts'",
    },
    found: ['trigger/fire.ts imports db/sql.ts'],
  },
  {
    rule: 'a store is private to its slice',
    what: "another slice's store",
    files: { 'trigger/fire.ts': "import { insert } from '../execution/store.ts'\nimport { find } from './store.ts'" },
    found: ['trigger/fire.ts imports execution/store.ts'],
  },
  {
    rule: 'pure files import only pure files and touch nothing outside',
    what: 'a shell imported by a pure file',
    files: {
      'trigger/slots.ts': "import { append } from '../event/event-log.ts'\nimport { readFile } from 'node:fs/promises'",
    },
    found: ['trigger/slots.ts imports event/event-log.ts', 'trigger/slots.ts imports node:fs/promises'],
  },
  {
    rule: 'pure files import only pure files and touch nothing outside',
    what: 'chance beside a hash, and a whole module of Node',
    files: {
      'inbox/a.ts': "import { createHash } from 'node:crypto'",
      'inbox/b.ts': "import { createHash, randomBytes } from 'node:crypto'",
      'inbox/c.ts': "import * as crypto from 'node:crypto'",
    },
    change: { pure: { inbox: 'a b c' } },
    found: ['inbox/b.ts imports node:crypto', 'inbox/c.ts imports node:crypto'],
  },
  {
    rule: 'pure files import only pure files and touch nothing outside',
    what: 'the clock, chance and the environment',
    files: {
      'trigger/slots.ts':
        'const now = () => [Date.now(), new Date(), Math.random(), globalThis.process.env]; const fixed = new Date(0)',
    },
    found: ['Date.now', 'new Date', 'Math.random', 'process.env'].map(name => `trigger/slots.ts uses ${name}`),
  },
  {
    rule: 'a vendor stays behind its wall',
    what: 'a vendor outside its room, by any path',
    files: {
      'http/server.ts': "import pg from 'pg'",
      'trigger/poller.ts': "await import('pg/lib/client.js')",
      'db/pool.ts': "import pg from 'pg'",
    },
    found: ['http/server.ts uses pg, which belongs to db/', 'trigger/poller.ts uses pg, which belongs to db/'],
  },
  {
    rule: 'a vendor stays behind its wall',
    what: 'a vendor nobody gave a room',
    files: { 'base/text.ts': "import { map } from '@scope/lodash/fp'" },
    found: ['base/text.ts imports @scope/lodash, which has no place in the house'],
  },
  {
    rule: 'a vendor stays behind its wall',
    what: 'the environment read outside the configuration',
    files: {
      'db/a.ts': 'const url = process.env.DATABASE_URL',
      'db/b.ts': 'const { env } = process',
      'db/c.ts': "import { env } from 'node:process'",
      'base/config.ts': 'const level = process.env.LOG_LEVEL',
    },
    found: [
      'db/a.ts uses process.env, which belongs to base/config.ts',
      'db/b.ts uses process.env, which belongs to base/config.ts',
      'db/c.ts imports node:process, a way around the wall of process.env',
    ],
  },
  {
    rule: 'every file of types/ is registered, and a registry holds nothing else',
    what: 'a type left out',
    files: {
      'node/types/http.ts': '',
      'node/types/merge.ts': '',
      'node/registry.ts': "import { http } from './types/http.ts'\nexport const all = [http]",
    },
    found: ['node/types/merge.ts is not in node/registry.ts'],
  },
  {
    rule: 'every file of types/ is registered, and a registry holds nothing else',
    what: 'types without a registry',
    files: {
      'trigger/types/cron.ts': '',
      'node/types/http.ts': '',
      'node/registry.ts': "import { http } from './types/http.ts'\nexport const all = [http]",
    },
    found: ['trigger/types/ has no trigger/registry.ts'],
  },
  {
    rule: 'every file of types/ is registered, and a registry holds nothing else',
    what: 'a registry that does more than register',
    files: {
      'node/types/http.ts': '',
      'node/registry.ts':
        "import { http } from './types/http.ts'\nimport { log } from '../base/log.ts'\nexport function find() {}",
    },
    found: ['node/registry.ts imports base/log.ts', 'node/registry.ts holds export function'],
  },
  {
    rule: 'no barrels, no default exports, no computed imports, no long files',
    what: 'one of each',
    files: {
      'trigger/index.ts': '',
      'trigger/a.ts': 'export default 1',
      'trigger/b.ts': 'const a = 1\nexport { a as default }',
      'trigger/c.ts': 'await import(name)',
      'trigger/d.ts': '\n'.repeat(301),
      'trigger/e.ts': '\n'.repeat(300),
    },
    found: [
      'trigger/index.ts is a barrel',
      'trigger/a.ts has a default export',
      'trigger/b.ts has a default export',
      'trigger/c.ts has a computed import',
      'trigger/d.ts has 301 lines, more than 300',
    ],
  },
  {
    rule: 'no import cycles',
    what: 'a circle closed by a type',
    files: { 'db/a.ts': "import './b.ts'", 'db/b.ts': "import './c.ts'", 'db/c.ts': "import type { A } from './a.ts'" },
    found: ['db/a.ts → db/b.ts → db/c.ts → db/a.ts'],
  },
  {
    rule: 'the house speaks only of what is there',
    what: 'a file that is gone, an exception nobody needs',
    files: { 'db/pool.ts': '' },
    change: {
      pure: { db: 'pool gone' },
      exceptions: [{ from: 'db/pool.ts', to: 'base/log.ts', why: 'it once did' }],
    },
    found: ['db/gone.ts is called pure and is not there', 'db/pool.ts → base/log.ts is excepted and not used'],
  },
]

test.each(planted)('$rule: finds $what', ({ rule, files, change, found }) => {
  expect(findings(rule, files, change)).toEqual(found)
})

test('every rule has a violation planted against it', () => {
  expect([...new Set(planted.map(({ rule }) => rule))].sort()).toEqual(Object.keys(rules).sort())
})

test('an exception lets its one import through', () => {
  const files = { 'cli/start.ts': "import { run } from '../app.ts'", 'cli/other.ts': "import { run } from '../app.ts'" }
  const exceptions = [{ from: 'cli/start.ts', to: 'app.ts', why: 'it starts the program' }]
  expect(findings('slices import only downwards', files, { exceptions })).toEqual(['cli/other.ts imports app.ts'])
})

test('imports in comments, strings and templates are only words', () => {
  const source =
    "// import '../app.ts'\nconst a = \"import '../app.ts'\", b = `import('../app.ts')`, c = /import '..\\/app.ts'/"
  expect(readModules(new Map([['db/a.ts', source]]))[0]?.imports).toEqual([])
})

test('a file that cannot be parsed is named', () => {
  expect(() => readModules(new Map([['db/a.ts', 'const = 1']]))).toThrow('src/db/a.ts cannot be parsed')
})
