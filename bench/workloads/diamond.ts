// Five waves of four nodes, each fed by all of the wave before.
import { layered } from '../shapes.ts'
import { throughput } from '../throughput.ts'

await throughput({
  shape: layered('diamond', 5, 4),
  count: 2_000,
  bars: { ratio: '≥ 0.60', rate: '≥ 400', commits: '≤ 0.5', cpu: '≤ 1.5' },
})
