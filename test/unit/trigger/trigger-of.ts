import type { JsonObject } from '../../../src/base/json.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'

/** An enabled trigger of a workflow, for pure functions. */
export function triggerOf(type: Trigger['type'], config: JsonObject, rest: Partial<Trigger> = {}): Trigger {
  return {
    id: '01989e8e-0000-7000-8000-000000000001',
    workflowId: 'workflow',
    workflowName: 'report',
    key: 'mornings',
    name: 'mornings',
    type,
    config,
    enabled: true,
    specVersion: 1,
    anchorAt: new Date('2026-01-01T00:00:00Z'),
    pausedAt: null,
    pausedBy: null,
    pauseNote: null,
    lastTriggeredAt: null,
    workflowPriority: null,
    ...rest,
  }
}
