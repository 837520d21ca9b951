// The house: what may know what. This is the whole of it; `rules.ts` holds how each rule is checked. Paths are relative
// to `src/`; one that ends in `/` means everything below it.

export interface House {
  /** Slices, lowest first; a slice imports only from lower lines. Slices on one line do not know each other. */
  readonly layers: readonly (readonly string[])[]
  /** Slices that see even less than their line allows. */
  readonly sees: { readonly [slice: string]: readonly string[] }
  /** The files that speak SQL: only they (and `db/`) use the `sql` tag, and only their own slice imports them. */
  readonly stores: RegExp
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
  stores: /\/(store|.+-store|ledger|event-log)\.ts$/,
  pure: [
    'base/duration.ts',
    'base/errors.ts',
    'base/json.ts',
    'base/retry.ts',
    'event/event.ts',
    'execution/decide.ts',
    'execution/inputs.ts',
    'execution/state.ts',
    'trigger/misfire.ts',
    'trigger/overlap.ts',
    'trigger/slots.ts',
    'trigger/trigger.ts',
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
  pureVendors: ['typebox', 'cron-parser'],
  maxLines: 300,
  exceptions: [
    { from: 'base/version.ts', to: '../package.json', why: 'the version is written once' },
    { from: 'execution/', to: 'event/event-log.ts', why: 'its append is the one way executions change' },
  ],
}
