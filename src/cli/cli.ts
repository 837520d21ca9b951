// The command line: the program made of its families, and one run of it from arguments to exit code. Only commander is
// loaded here; what an action needs it imports when it runs, so that --help is instant.
import { Command, CommanderError } from 'commander'
import { version } from '../base/version.ts'
import { applyFamily } from './apply.ts'
import { backfillFamily } from './backfill.ts'
import { calendarFamily } from './calendar.ts'
import { configFamily } from './config.ts'
import { type CliContext, createSession, type Family, type Io } from './context.ts'
import { eventFamily } from './event.ts'
import { executionFamily } from './execution.ts'
import { reportFailure } from './failure.ts'
import { forecastFamily } from './forecast.ts'
import { migrateFamily, normaliseFlags } from './migrate.ts'
import { secretFamily } from './secret.ts'
import { addSettingOptions, commonSettings } from './settings.ts'
import { startFamily } from './start.ts'
import { triggerFamily } from './trigger.ts'
import { workflowFamily } from './workflow.ts'

const families: readonly Family[] = [
  startFamily,
  applyFamily,
  workflowFamily,
  triggerFamily,
  backfillFamily,
  forecastFamily,
  executionFamily,
  eventFamily,
  calendarFamily,
  secretFamily,
  migrateFamily,
  configFamily,
]

export function createProgram(context: CliContext, { stdout, stderr }: Io): Command {
  const program = new Command('mbflow')
    .description('Triggers that run workflows, on PostgreSQL')
    .version(version, '-V, --version')
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => void stdout.write(text),
      writeErr: text => void stderr.write(text),
      outputError: () => {}, // reported by reportFailure, like every other error
    })
    .exitOverride()
  addSettingOptions(program, commonSettings)
  for (const addCommands of families) addCommands(program, context)
  return program
}

/** Runs one command line and resolves to its exit code: how its work went, also when it cannot close what it opened. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = createSession(io)
  const program = createProgram(session.context, io)
  program.hook('preAction', (_, command) => session.begin(command.optsWithGlobals()))
  const report = (error: unknown): number => reportFailure(error, io.stderr, argv.includes('--json'))
  const exitCode = await program.parseAsync(normaliseFlags(argv), { from: 'user' }).then(
    () => 0,
    async (error: unknown) => {
      if (error instanceof CommanderError) {
        if (error.exitCode === 0) return 0 // --help, --version
        if (error.code === 'commander.help') return 2 // a command is missing; its help has been printed
      }
      return report(await session.explain(error))
    },
  )
  await session.close().catch(report)
  return exitCode
}
