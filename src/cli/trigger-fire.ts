import { type Command, InvalidArgumentError } from 'commander'
import { MbflowError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { isPriority, PRIORITIES } from '../workflow/priority.ts'
import type { CliContext } from './context.ts'
import { TRIGGER } from './instants.ts'
import { notEmpty, parseJson } from './option-values.ts'

interface FireOptions {
  readonly input?: string
  readonly idempotencyKey?: string
  readonly priority?: number
  readonly wait?: boolean
}

const REFUSALS: Readonly<Record<string, string>> = {
  overlap: 'too many executions of it are not over, and its overlap policy does not let more start or wait',
  cooldown: 'its last fire is too recent, as its cooldown says',
  paused: 'its executions failed, and it is about to be paused',
}

export function addFire(trigger: Command, context: CliContext): void {
  trigger
    .command('fire')
    .description('Fire a trigger now')
    .argument('<trigger>', TRIGGER)
    .option('--input <json>', "a JSON object; its fields replace those of the trigger's own input")
    .option('--idempotency-key <key>', 'makes it happen once: the same key again gives the same execution', notEmpty)
    .option(
      '--priority <number>',
      `how urgent its execution is, instead of what the trigger says: ${PRIORITIES}`,
      priorityNumber,
    )
    .option('--wait', 'wait until the execution is over; exit 1 if it did not complete')
    .action(async (word: string, { input, idempotencyKey: key, priority, wait }: FireOptions) => {
      const given = parseInput(input)
      const { findTrigger } = await import('../trigger/find.ts')
      const { fireManually } = await import('../trigger/fire-manually.ts')
      const { withVerbs } = await import('./verbs.ts')
      const { triggerId, ...fired } = await withVerbs(context, async deps => {
        const { id } = await findTrigger(deps.pool, word)
        const asked = { ...(key !== undefined && { key }), ...(priority !== undefined && { priority }) }
        return { triggerId: id, ...(await fireManually(deps, { triggerId: id, input: given, scope: 'cli', ...asked })) }
      })
      if (fired.disposition === 'skipped') {
        throw new MbflowError('REFUSED', `${word} did not fire: ${REFUSALS[fired.reason ?? ''] ?? fired.reason}`, {
          hint: `mbflow trigger history ${word}`,
        })
      }
      if (wait) {
        const { watchExecution, watchRequest } = await import('./watch.ts')
        const id = fired.executionId ?? (await watchRequest(context, { triggerId, fireKey: fired.fireKey }))
        return id === undefined ? undefined : watchExecution(context, id)
      }
      const { disposition, executionId, fireKey, repeated } = fired
      context.output.one({ execution_id: executionId, disposition, fire_key: fireKey, repeated }, () => [
        executionId === null
          ? `${word} fires once executions before it are over`
          : `${repeated ? 'fired before with this key:' : 'started'} execution ${executionId}`,
      ])
    })
}

function priorityNumber(text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!isPriority(value)) throw new InvalidArgumentError(`must be ${PRIORITIES}`)
  return value
}

function parseInput(text: string | undefined): JsonObject {
  if (text === undefined) return {}
  const value = parseJson('--input', text)
  if (!isJsonObject(value))
    throw new MbflowError('INPUT_INVALID', '--input must be a JSON object', { hint: `--input '{"name": "value"}'` })
  return value
}
