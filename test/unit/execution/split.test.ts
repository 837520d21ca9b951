import { expect, test } from 'vitest'
import { type Standing, type Step, stepsOf } from '../../../src/execution/split.ts'

const standing: Standing = {
  executionId: 'e', nodeId: 'n', generation: 0, node: 'each', workflowId: 'w', priority: 0, executionStatus: 'running',
  sequence: 4, total: 1_200, maxParallel: 1_000, onItemError: 'fail', nextIndex: 0, status: 'open', open: 0, paused: 0,
  failedIndex: null,
} // biome-ignore format: a row

test.each<[string, Partial<Standing>, Step[]]>([
  ['makes a chunk of the first items', {}, [{ kind: 'open', count: 500 }]],
  ['makes as many as there is room for', { nextIndex: 900, open: 900 }, [{ kind: 'open', count: 100 }]],
  ['makes those that are left', { nextIndex: 1_190, open: 10 }, [{ kind: 'open', count: 10 }]],
  ['makes none while there is no room', { nextIndex: 1_000, open: 1_000 }, []],
  ['waits for the last', { nextIndex: 1_200, open: 1 }, []],
  ['goes on when the last has ended', { nextIndex: 1_200 }, [{ kind: 'gather' }]],
  [
    'cancels the others when one failed, and makes no more',
    { nextIndex: 10, open: 5, failedIndex: 3 },
    [{ kind: 'cancel', reason: 'item 3 failed' }],
  ],
  ['goes on when one failed and the others have ended', { nextIndex: 10, failedIndex: 3 }, [{ kind: 'gather' }]],
  [
    'goes on making items when one failed and is only to be collected',
    { nextIndex: 10, failedIndex: 3, onItemError: 'collect', maxParallel: 2, open: 1 },
    [{ kind: 'open', count: 1 }],
  ],
  [
    'cancels all when its node has ended',
    { status: 'stopping', nextIndex: 10, open: 5, executionStatus: 'cancelled' },
    [{ kind: 'cancel', reason: 'nobody waits for its split any more' }],
  ],
  ['has ended when its node has and no item is open', { status: 'stopping', nextIndex: 10 }, [{ kind: 'end' }]],
  [
    'pauses its items with the execution',
    { executionStatus: 'paused', nextIndex: 9, open: 3, paused: 1 },
    [{ kind: 'pause' }],
  ],
  ['makes no items while it is paused', { executionStatus: 'paused', nextIndex: 9, open: 3, paused: 3 }, []],
  ['does not go on while it is paused', { executionStatus: 'paused', nextIndex: 1_200 }, []],
  [
    'resumes its items with the execution, and makes more',
    { nextIndex: 9, open: 3, paused: 2, maxParallel: 5 },
    [{ kind: 'resume' }, { kind: 'open', count: 2 }],
  ],
])('a split %s', (_, change, steps) => {
  expect(stepsOf({ ...standing, ...change })).toEqual(steps)
})
