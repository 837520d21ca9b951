// The house: what may know what. This is the whole of it; `rules.ts` holds how each rule is checked. Paths are relative
// to `src/`; one that ends in `/` means everything below it.

export interface House {
  /** Slices, lowest first; a slice imports only from the left. Slices between the same signs do not know each other. */
  readonly layers: string
  /** Slices that see even less than their place allows. */
  readonly sees: { readonly [slice: string]: readonly string[] }
  /** The files that hold the SQL of their slice; no other slice imports them. */
  readonly stores: RegExp
  /** What uses the `sql` tag besides the stores. */
  readonly sql: readonly string[]
  /** Files, by slice, that only compute: at run time they import only each other and touch no clock, no chance, no process. */
  readonly pure: { readonly [slice: string]: string }
  /** Packages that only compute; pure files may use them. */
  readonly pureVendors: readonly string[]
  /** What pure files may take from a module of Node: the parts that only compute. */
  readonly pureBuiltins: { readonly [module: string]: readonly string[] }
  /** Where each package, or door to the outside, may be used. */
  readonly vendors: { readonly [name: string]: readonly string[] }
  readonly maxLines: number
  /** Imports allowed against a rule, each with its reason. */
  readonly exceptions: readonly { readonly from: string; readonly to: string; readonly why: string }[]
}

export const house: House = {
  layers:
    'base < db < access, queue < expression, event < node < workflow < execution < trigger < inbox < verify < http, cli < app, plugin',
  sees: {
    node: ['base', 'expression'], // executors reach the world through their NodeContext
  },
  stores: /\/(store|.+-store|ledger)\.ts$/,
  sql: ['db/', 'event/event-log.ts'], // the log's append is at once statement and verb, the one way executions change
  pure: {
    base: 'address-ranges addresses duration errors hide-secrets http-client http-failures instant json json-diff json-limits json-path json-schema lru master-key media-type near-miss origin pool-name retry schema schema-words secrets standard-webhooks',
    cli: 'table text',
    event: 'append event',
    execution:
      'again awaited command compensation decide diff draft evolve evolve-node fate gates inputs item limits outcome rates retries split state strategy verdict volume waits',
    expression: 'ast bounded expression fast-path missing paths references scan template wording',
    inbox:
      'body challenge claim client-address cloud-event delivery disposal event-request fields gather group-key input reception refusal request signature verification',
    node: 'http-auth http-check http-config http-exchange http-hop http-pages http-request http-response llm-anthropic llm-answer llm-check llm-config llm-mock llm-openai llm-provider llm-schema node-type plugin-check registry types/ webhook-check webhook-config',
    queue: 'claimed queues',
    trigger:
      'backfill calendar calendar-document check cooldown cron-days cron-syntax dispose event-check event-config event-pattern exclusion explain forecast foresee given hook-rate input local-time misfire no-slot overlap preview priority registry rules schedule schedule-policy simulate slots spread start-policy trigger trigger-type types/ wall-clock webhook-check webhook-config zone',
    workflow:
      'document draw draw-layers draw-layout form priority regions retry-form settings-form validate validate-compensation validate-counts validate-gates validate-graph validate-names validate-regions waves workflow',
  },
  pureVendors: ['cron-parser', 'jsonata', 'typebox', 'yaml'],
  pureBuiltins: {
    'node:crypto': ['createHash', 'createHmac', 'createSecretKey', 'timingSafeEqual'],
    'node:net': ['BlockList', 'SocketAddress', 'isIP'],
    'node:util': ['isDeepStrictEqual'],
  },
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
    typebox: ['base/', 'node/', 'trigger/', 'workflow/', 'http/', 'plugin.ts'],
    undici: ['base/http-guard.ts'],
    yaml: ['workflow/document.ts'],
    'process.env': ['base/config.ts'],
  },
  maxLines: 300,
  exceptions: [
    { from: 'base/version.ts', to: '../package.json', why: 'the version is written once' },
    { from: 'cli/start.ts', to: 'app.ts', why: 'this command is the program' },
    { from: 'node/plugins.ts', to: 'a computed import', why: 'a plug-in lies where its user says' },
  ],
}
