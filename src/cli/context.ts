// What every command works with. A command family is a file that exports `(program, context) => void` and adds its
// commands to the program; their actions ask the context for what they need, and nothing is loaded, read or opened before.
import type { Command } from 'commander'
import { type Config, type Environment, loadConfig } from '../base/config.ts'
import { MbflowError } from '../base/errors.ts'
import type { NodeType } from '../node/node-type.ts'
import type { Connection } from './connection.ts'
import type { Interruption } from './interruption.ts'
import { createOutput, type Output, type Stream } from './output.ts'
import { pickFlags } from './settings.ts'

export type Family = (program: Command, context: CliContext) => void

export interface CliContext {
  readonly output: Output
  /** The effective configuration; throws CONFIG_INVALID. */
  config(): Config
  /** The database this command works on, open until the command ends. */
  connect(): Promise<Connection>
  /** The node types there are, with those of plug-ins; throws PLUGIN_INVALID. */
  nodeTypes(): Promise<ReadonlyMap<string, NodeType>>
  /** Yes or no from the person at the terminal, no from one who leaves it; throws REFUSED where there is none. */
  confirm(question: string): Promise<boolean>
  /** A secret, typed without being shown or read from standard input. */
  secret(question: string): Promise<string>
  /** Aborts at the first interruption, which from now on does not end the process; the second one does. */
  interrupted(): AbortSignal
}

/** The process, or what stands for it. */
export interface Io {
  readonly env: Environment
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: Stream
  readonly stderr: Stream
  readonly interruption: Interruption
}

/** A context and the ends of its life. */
export interface Session {
  readonly context: CliContext
  /** Called with the options of the command line, before the action. */
  begin(options: Readonly<Record<string, unknown>>): void
  /** The error of an action, explained by the connection it used. */
  explain(error: unknown): Promise<unknown>
  close(): Promise<void>
}

export function createSession({ env, stdin, stdout, stderr, interruption }: Io): Session {
  let options: Readonly<Record<string, unknown>> = {}
  let config: Config | undefined
  let connection: Promise<Connection> | undefined

  /** A connection that could not be opened has failed the command that asked for it. */
  const opened = (): Promise<Connection | undefined> | undefined => connection?.catch(() => undefined)

  const context: CliContext = {
    get output() {
      return createOutput({ stdout, stderr, json: options.json === true })
    },
    config() {
      config ??= loadConfig(env, pickFlags(options))
      return config
    },
    connect() {
      connection ??= import('./connection.ts').then(({ openConnection }) => openConnection(context.config(), env))
      return connection
    },
    nodeTypes: () => import('../node/plugins.ts').then(({ withPlugins }) => withPlugins(context.config().plugin)),
    async confirm(question) {
      if (!stdin.isTTY) {
        throw new MbflowError('REFUSED', `this needs a confirmation: ${question}`, {
          hint: 'without a terminal, confirm with --yes',
        })
      }
      const { createInterface } = await import('node:readline/promises')
      const reader = createInterface({ input: stdin, output: stderr })
      const left = new Promise<string>(resolve => reader.once('close', () => resolve('no')))
      try {
        const answer = await Promise.race([reader.question(`${question} [y/N] `), left])
        return /^y(es)?$/i.test(answer.trim())
      } finally {
        reader.close()
      }
    },
    secret: question => import('./read-secret.ts').then(({ readSecret }) => readSecret({ stdin, stderr }, question)),
    interrupted: () => interruption.take(),
  }

  return {
    context,
    begin: given => {
      options = given
    },
    async explain(error) {
      return (await opened())?.explain(error) ?? error
    },
    async close() {
      await (await opened())?.close()
    },
  }
}
