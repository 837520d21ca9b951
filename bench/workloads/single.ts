// One node: what an execution costs beyond its work.
import type { Bench } from '../bench.ts'
import { layered } from '../shapes.ts'
import { throughput } from '../throughput.ts'

export function run(bench: Bench): Promise<void> {
  return throughput(bench, {
    shape: layered('single', 1, 1),
    count: 20_000,
    bars: { ratio: '≥ 0.5', rate: '≥ 2000', commits: '≤ 0.25', cpu: '≤ 0.3' },
  })
}
