import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backfillKey } from '../../../src/trigger/backfill.ts'
import { priorityOf } from '../../../src/trigger/priority.ts'
import { triggerOf } from './trigger-of.ts'

const none = { fireKey: 'req:cli:1', carried: {} }

test('the request comes before the trigger, the trigger before the workflow, and without any of them it is 0', () => {
  const trigger = triggerOf('manual', { priority: 5 }, { workflowPriority: -7 })
  expect(priorityOf(trigger, { ...none, carried: { priority: 0 } })).toBe(0)
  expect(priorityOf(trigger, none)).toBe(5)
  expect(priorityOf({ ...trigger, config: {} }, none)).toBe(-7)
  expect(priorityOf({ config: {}, workflowPriority: null }, none)).toBe(0)
})

test('what a backfill makes up for comes after what its trigger starts and after all that is as urgent as usual', () => {
  const level = fc.integer({ min: -100, max: 100 })
  fc.assert(
    fc.property(fc.option(level), fc.option(level, { nil: undefined }), (workflowPriority, priority) => {
      const trigger = triggerOf('cron', priority === undefined ? {} : { priority }, { workflowPriority })
      const made = priorityOf(trigger, { fireKey: backfillKey('b', 0), carried: {} })
      expect(made).toBeLessThan(priorityOf(trigger, none))
      expect(made).toBeLessThan(0)
    }),
  )
})
