// One node: what an execution costs beyond its work.
import { layered } from '../shapes.ts'
import { throughput } from '../throughput.ts'

await throughput({
  shape: layered('single', 1, 1),
  count: 10_000,
  bars: { ratio: '≥ 0.50', rate: '≥ 2000', commits: '≤ 0.25', cpu: '≤ 0.3' },
})
