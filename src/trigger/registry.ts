// Every trigger type, one line each.
import type { TriggerType } from './trigger-type.ts'
import { cron } from './types/cron.ts'
import { event } from './types/event.ts'
import { interval } from './types/interval.ts'
import { manual } from './types/manual.ts'
import { webhook } from './types/webhook.ts'

const types: readonly TriggerType[] = [
  cron, //
  event,
  interval,
  manual,
  webhook,
]

export const triggerTypes: ReadonlyMap<string, TriggerType> = new Map(types.map(type => [type.type, type]))
