// Five waves of four nodes, each fed by all of the wave before.
import type { Bench } from '../bench.ts'
import { layered } from '../shapes.ts'
import { throughput } from '../throughput.ts'

export function run(bench: Bench): Promise<void> {
  return throughput(bench, {
    shape: layered('diamond', 5, 4),
    count: 4_000,
    bars: { ratio: '≥ 0.6', rate: '≥ 400', commits: '≤ 0.5', cpu: '≤ 1.5' },
  })
}
