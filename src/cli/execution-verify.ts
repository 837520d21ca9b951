// The command that proves the database against the promises.
import type { Command } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { Violation } from '../verify/verify.ts'
import type { CliContext } from './context.ts'
import type { Column } from './table.ts'

export function addVerify(execution: Command, context: CliContext): void {
  execution
    .command('verify')
    .description('Prove that the tables are what the event log says, and that nothing breaks a promise; exit 1 if not')
    .action(async () => {
      const { readEvents } = await import('../event/event-log.ts')
      const { verify } = await import('../verify/verify.ts')
      const { createCatalog } = await import('../workflow/catalog.ts')
      const { pool } = await context.connect()
      const catalog = createCatalog(pool)
      const violations = await verify({ db: pool, plan: catalog.plan, events: id => readEvents(pool, id) })
      context.output.rows(violations, columns, 'every promise is kept')
      if (violations.length > 0) {
        throw new MbflowError('VERIFICATION_FAILED', `${violations.length} rows are not what they should be`, {
          hint: 'docs/executions.md says what each of these promises is',
        })
      }
    })
}

const columns: Column<Violation>[] = [
  { title: 'PROMISE', cell: violation => violation.invariant },
  { title: 'BROKEN BY', cell: violation => JSON.stringify(violation.detail) },
]
