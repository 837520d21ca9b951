// The house: what may know what. This is the whole of it; `rules.ts` holds how each rule is checked. Paths are relative
// to `src/`; one that ends in `/` means everything below it.

export interface House {
  /** Slices, lowest first; a slice imports only from lower lines. Slices on one line do not know each other. */
  readonly layers: readonly (readonly string[])[]
  /** Slices that see even less than their line allows. */
  readonly sees: { readonly [slice: string]: readonly string[] }
  /** The files that hold the SQL of their slice; no other slice imports them. */
  readonly stores: RegExp
  /** What uses the `sql` tag besides the stores. */
  readonly sql: readonly string[]
  /** Files that compute and nothing else: at run time they import only each other and touch no clock, no chance, no process. */
  readonly pure: readonly string[]
  /** Where each package, or door to the outside, may be used. */
  readonly vendors: { readonly [name: string]: readonly string[] }
  /** Packages that only compute; pure files may use them. */
  readonly pureVendors: readonly string[]
  readonly maxLines: number
  /** Imports allowed against a rule, each with its reason. */
  readonly exceptions: readonly { readonly from: string; readonly to: string; readonly why: string }[]
}

export const house: House = {
  layers: [
    ['base'],
    ['db'],
    ['queue'],
    ['expression', 'event'],
    ['node'],
    ['workflow'],
    ['execution'],
    ['trigger'],
    ['inbox'],
    ['verify'],
    ['http', 'cli'],
    ['app'],
  ],
  sees: {
    node: ['base', 'expression'], // executors reach the world through their NodeContext
  },
  stores: /\/(store|.+-store|ledger)\.ts$/,
  sql: ['db/', 'event/event-log.ts'], // the log's append is at once statement and verb, the one way executions change
  pure: [
    'base/duration.ts',
    'base/errors.ts',
    'base/http-client.ts',
    'base/json-limits.ts',
    'base/json.ts',
    'base/lru.ts',
    'base/near-miss.ts',
    'base/retry.ts',
    'base/schema.ts',
    'cli/table.ts',
    'cli/text.ts',
    'event/event.ts',
    'execution/decide.ts',
    'execution/inputs.ts',
    'execution/state.ts',
    'expression/',
    'node/',
    'trigger/cron-syntax.ts',
    'trigger/misfire.ts',
    'trigger/overlap.ts',
    'trigger/slots.ts',
    'trigger/trigger-type.ts',
    'trigger/trigger.ts',
    'trigger/types/',
    'trigger/wall-clock.ts',
    'trigger/zone.ts',
    'workflow/document.ts',
    'workflow/draw-layers.ts',
    'workflow/draw-layout.ts',
    'workflow/draw.ts',
    'workflow/form.ts',
    'workflow/validate-graph.ts',
    'workflow/validate.ts',
    'workflow/waves.ts',
    'workflow/workflow.ts',
  ],
  vendors: {
    commander: ['cli/'],
    'cron-parser': ['trigger/types/cron.ts'],
    fastify: ['http/'],
    jsonata: ['expression/'],
    'node-cron': ['app.ts'],
    pg: ['db/'],
    'pg-boss': ['queue/'],
    pino: ['base/log.ts'],
    'pino-pretty': ['base/log.ts'],
    'prom-client': ['base/metrics.ts'],
    typebox: ['base/', 'node/', 'trigger/', 'workflow/', 'http/'],
    undici: ['base/http-guard.ts'],
    yaml: ['workflow/document.ts'],
    'process.env': ['base/config.ts'],
  },
  pureVendors: ['cron-parser', 'jsonata', 'typebox', 'yaml'],
  maxLines: 300,
  exceptions: [
    { from: 'base/version.ts', to: '../package.json', why: 'the version is written once' },
    { from: 'cli/start.ts', to: 'app.ts', why: 'this command is the program' },
    { from: 'node/http-response.ts', to: 'node:http', why: 'for its table of status texts' },
  ],
}
