import type { ArmDeps } from '../trigger/arm.ts'
import type { ListedTrigger } from '../trigger/find.ts'
import type { Trigger } from '../trigger/trigger.ts'
import type { CliContext, Family } from './context.ts'
import { TRIGGER } from './instants.ts'
import { relative } from './text.ts'
import { addExplain, addHistory } from './trigger-explain.ts'
import { addFire } from './trigger-fire.ts'
import { addPreview } from './trigger-preview.ts'
import { addSimulate } from './trigger-simulate.ts'
import { addUrl } from './trigger-url.ts'
import { userName } from './user.ts'

export const triggerFamily: Family = (program, context) => {
  const trigger = program
    .command('trigger')
    .description('Triggers: list, fire, enable, disable, pause; see what their slots will become')

  trigger
    .command('list')
    .description('List triggers with their last and next fire')
    .option('--workflow <name>', 'only those of this workflow')
    .action(async ({ workflow }: { workflow?: string }) => {
      const { listTriggers } = await import('../trigger/find.ts')
      const { triggerTypes } = await import('../trigger/registry.ts')
      const { pool } = await context.connect()
      context.output.rows(
        (await listTriggers(pool, workflow)).map(one =>
          forPeople(one, triggerTypes.get(one.type)?.describe?.(one.config) ?? ''),
        ),
        columns(new Date()),
        'no triggers yet; they come with workflow documents',
      )
    })

  addFire(trigger, context)

  trigger
    .command('enable')
    .description(
      'Enable a trigger; it fires from its next slot on, slots of the time it was disabled are not made up for',
    )
    .argument('<trigger>', TRIGGER)
    .action((word: string) => change(context, word, async (deps, id) => (await arm()).enableTrigger(deps, id)))

  trigger
    .command('disable')
    .description('Disable a trigger at once, on every daemon, as its document may; see also pause')
    .argument('<trigger>', TRIGGER)
    .action((word: string) => change(context, word, async (deps, id) => (await arm()).disableTrigger(deps, id)))

  trigger
    .command('pause')
    .description('Hold a trigger at once, on every daemon; no document resumes it')
    .argument('<trigger>', TRIGGER)
    .option('--note <text>', 'why, for those who wonder later')
    .action((word: string, { note = null }: { note?: string | null }) =>
      change(context, word, async (deps, id) => {
        const { pauseTrigger } = await import('../trigger/pause.ts')
        return pauseTrigger(deps, { id, by: `cli:${userName()}`, note })
      }),
    )

  trigger
    .command('resume')
    .description('Let a paused trigger go on with its next slot; slots of the time it was paused are not made up for')
    .argument('<trigger>', TRIGGER)
    .action((word: string) =>
      change(context, word, async (deps, id) => {
        const { resumeTrigger } = await import('../trigger/pause.ts')
        return resumeTrigger(deps, id)
      }),
    )

  addPreview(trigger, context)
  addExplain(trigger, context)
  addHistory(trigger, context)
  addSimulate(trigger, context)
  addUrl(trigger, context)
}

const arm = () => import('../trigger/arm.ts')

async function change(
  context: CliContext,
  word: string,
  verb: (deps: ArmDeps, id: string) => Promise<Trigger>,
): Promise<void> {
  const { findTrigger } = await import('../trigger/find.ts')
  const { withVerbs } = await import('./verbs.ts')
  const changed = await withVerbs(context, async deps => verb(deps, (await findTrigger(deps.pool, word)).id))
  const { id, enabled, workflowName, key } = changed
  const name = `${workflowName}/${key}`
  context.output.one({ trigger: name, id, enabled, ...pauseOf(changed) }, () => [`${name} is ${stateText(changed)}`])
}

type Standing = Pick<ListedTrigger, 'enabled' | 'pausedAt' | 'pausedBy' | 'pauseNote'>

function pauseOf({ pausedAt, pausedBy, pauseNote }: Standing) {
  return { paused_at: pausedAt, paused_by: pausedBy, note: pauseNote }
}

function stateText({ enabled, pausedAt, pausedBy, pauseNote }: Standing): string {
  const paused = pausedAt === null ? '' : `paused by ${pausedBy}${pauseNote === null ? '' : `: ${pauseNote}`}`
  if (enabled) return paused || 'enabled'
  return paused === '' ? 'disabled' : `disabled, and ${paused}`
}

interface TriggerLine {
  readonly trigger: string
  readonly id: string
  readonly type: string
  readonly schedule: string
  readonly enabled: boolean
  readonly paused_at: Date | null
  readonly paused_by: string | null
  readonly note: string | null
  readonly state: string
  readonly last_triggered_at: Date | null
  readonly next_fire_at: Date | null
}

function forPeople(one: ListedTrigger, schedule: string): TriggerLine {
  const { id, workflowName, key, type, enabled, lastTriggeredAt, nextFireAt } = one
  return {
    trigger: `${workflowName}/${key}`,
    id,
    type,
    schedule,
    enabled,
    ...pauseOf(one),
    state: stateText(one),
    last_triggered_at: lastTriggeredAt,
    next_fire_at: nextFireAt,
  }
}

const columns = (now: Date) => [
  { title: 'TRIGGER', cell: (one: TriggerLine) => one.trigger, least: 16 },
  { title: 'TYPE', cell: (one: TriggerLine) => one.type },
  { title: 'SCHEDULE', cell: (one: TriggerLine) => one.schedule, least: 12, leaves: 2 },
  {
    title: 'STATE',
    cell: (one: TriggerLine) => one.state,
    least: 8,
    style: (one: TriggerLine) => (one.state === 'enabled' ? ('green' as const) : ('yellow' as const)),
  },
  {
    title: 'LAST',
    cell: (one: TriggerLine) => (one.last_triggered_at === null ? 'never' : relative(one.last_triggered_at, now)),
    leaves: 3,
  },
  {
    title: 'NEXT',
    cell: (one: TriggerLine) => (one.next_fire_at === null ? '' : relative(one.next_fire_at, now)),
    leaves: 1,
  },
]
