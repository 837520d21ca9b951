// The command that calls a node back, as its URL does.
import type { Command } from 'commander'
import type { CliContext } from './context.ts'
import { parseJson } from './option-values.ts'
import { userName } from './user.ts'

export function addCallback(execution: Command, context: CliContext): void {
  execution
    .command('callback')
    .description('Give a node that waits to be called back its output')
    .argument('<id>', 'id, or the beginning of one')
    .argument('<node>', 'the key of the node')
    .requiredOption('--output <json>', 'what becomes its output')
    .option('--reason <text>', 'why, for those who wonder later')
    .action(async (id: string, node: string, { output, reason }: { output: string; reason?: string }) => {
      const answer = {
        output: parseJson('--output', output),
        by: `cli:${userName()}`,
        ...(reason === undefined ? {} : { reason }),
      }
      const { callBack, callbackOf } = await import('../execution/callbacks.ts')
      const { findExecutionId } = await import('../execution/find.ts')
      const { withVerbs } = await import('./verbs.ts')
      const { pool } = await context.connect()
      const executionId = await findExecutionId(pool, id)
      const found = await callbackOf(pool, { executionId, node })
      await withVerbs(context, deps => callBack(deps, found, answer))
      context.output.one({ execution_id: executionId, node, status: 'accepted' }, () => [`${node} was called back`])
    })
}
