// Whatever happens to an execution, and in whatever order: the engine, on a real database, does what the model says. What is
// left when it fails can be played again: MODEL='{"seed":1,"path":"0:1"}' npm test -- test/db/execution/model.test.ts
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { graphs } from '../../support/model-graphs.ts'
import { createLane, type Lane } from '../../support/model-lane.ts'
import type { Move } from '../../support/model-moves.ts'

const LANES = 6
const RUNS = 500
const MOVES = 30
/** What has not been tried by then is left to the next time, and what was not shrunk is told as it is. */
const LONGEST_MS = 85_000

const pick = fc.nat(11)
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Move>({ kind: 'claim' }) },
  { weight: 6, arbitrary: pick.map((pick): Move => ({ kind: 'complete', pick })) },
  {
    weight: 5,
    arbitrary: fc
      .record({ kind: fc.constantFrom('fail', 'break', 'delay', 'doom', 'await'), pick })
      .map((one): Move => one),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('crash', 'crash', 'drain', 'hour', 'hour', 'hour', 'raise')
      .map((kind): Move => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constant<Move>({ kind: 'exhaust' }) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('cancel', 'pause', 'pause', 'resume', 'resume', 'retry', 'retry', 'redrive')
      .map((kind): Move => ({ kind })),
  },
  { weight: 2, arbitrary: pick.map((pick): Move => ({ kind: 'rerun', pick })) },
  {
    weight: 2,
    arbitrary: fc
      .record({ kind: fc.constant('callback' as const), pick, isStale: fc.boolean() })
      .map((one): Move => one),
  },
)
const scenario = fc.record({
  graph: fc.nat(graphs.length - 1),
  // As many for everyone; what is left out is not what it failed of.
  moves: fc.array(fc.option(move, { freq: 1_000_000 }), { minLength: MOVES, maxLength: MOVES }),
})

function check(lane: Lane, parameters: fc.Parameters<[{ graph: number; moves: (Move | null)[] }]>): Promise<void> {
  const property = fc.asyncProperty(scenario, ({ graph, moves }) =>
    lane.play(
      graph,
      moves.filter(one => one !== null),
    ),
  )
  return fc.assert(property, parameters)
}

test('any sequence of commands, outcomes, crashes and hours does what the model says', {
  timeout: 120_000,
}, async () => {
  const given = process.env.MODEL === undefined ? undefined : JSON.parse(process.env.MODEL)
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const lanes = await Promise.all(Array.from({ length: given ? 1 : LANES }, createLane))
  const results = await Promise.allSettled(
    lanes.map((lane, nth) =>
      check(lane, {
        numRuns: Math.ceil(RUNS / LANES),
        seed: seed + nth,
        interruptAfterTimeLimit: LONGEST_MS,
        ...given,
      }),
    ),
  )
  await Promise.all(lanes.map(lane => lane.stop()))
  expect(results.flatMap(result => (result.status === 'rejected' ? [whatFailed(result.reason)] : []))).toEqual([])
})

function whatFailed({ message, cause }: Error): string {
  return `${message}\n${cause instanceof Error ? cause.message : cause}`
}
