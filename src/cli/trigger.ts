import type { ListedTrigger } from '../trigger/find.ts'
import type { CliContext, Family } from './context.ts'
import { TRIGGER } from './instants.ts'
import { relative } from './text.ts'
import { addExplain, addHistory } from './trigger-explain.ts'
import { addFire } from './trigger-fire.ts'
import { addPreview } from './trigger-preview.ts'
import { addSimulate } from './trigger-simulate.ts'
import { addUrl } from './trigger-url.ts'

export const triggerFamily: Family = (program, context) => {
  const trigger = program
    .command('trigger')
    .description('Triggers: list, fire, enable, disable; see what their slots will become')

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
    .action((word: string) => change(context, word, { enabled: true, note: null }))

  trigger
    .command('disable')
    .description('Disable a trigger at once, on every daemon')
    .argument('<trigger>', TRIGGER)
    .option('--note <text>', 'why, for those who wonder later')
    .action((word: string, { note }: { note?: string }) =>
      change(context, word, { enabled: false, note: note ?? null }),
    )

  addPreview(trigger, context)
  addExplain(trigger, context)
  addHistory(trigger, context)
  addSimulate(trigger, context)
  addUrl(trigger, context)
}

async function change(
  context: CliContext,
  word: string,
  { enabled, note }: { enabled: boolean; note: string | null },
): Promise<void> {
  const { findTrigger } = await import('../trigger/find.ts')
  const { disableTrigger, enableTrigger } = await import('../trigger/arm.ts')
  const { withVerbs } = await import('./verbs.ts')
  const changed = await withVerbs(context, async deps => {
    const { id } = await findTrigger(deps.pool, word)
    return enabled ? enableTrigger(deps, id) : disableTrigger(deps, { id, note })
  })
  const name = `${changed.workflowName}/${changed.key}`
  context.output.one({ trigger: name, id: changed.id, enabled: changed.enabled }, () => [
    `${name} is ${changed.enabled ? 'enabled' : 'disabled'}`,
  ])
}

interface TriggerLine {
  readonly trigger: string
  readonly id: string
  readonly type: string
  readonly schedule: string
  readonly enabled: boolean
  readonly note: string | null
  readonly last_triggered_at: Date | null
  readonly next_fire_at: Date | null
}

function forPeople(
  { id, workflowName, key, type, enabled, pauseNote, lastTriggeredAt, nextFireAt }: ListedTrigger,
  schedule: string,
): TriggerLine {
  return {
    trigger: `${workflowName}/${key}`,
    id,
    type,
    schedule,
    enabled,
    note: pauseNote,
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
    cell: (one: TriggerLine) => (one.enabled ? 'enabled' : `disabled${one.note === null ? '' : `: ${one.note}`}`),
    least: 8,
    style: (one: TriggerLine) => (one.enabled ? ('green' as const) : ('yellow' as const)),
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
