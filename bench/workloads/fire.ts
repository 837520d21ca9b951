// Triggers: many due at one instant, and very many that are not.
import type { Bench } from '../bench.ts'
import { boundary } from '../fire/boundary.ts'
import { burst } from '../fire/burst.ts'
import { idle } from '../fire/idle.ts'

export async function run(bench: Bench): Promise<void> {
  await boundary(part(bench, 'boundary'))
  await burst(part(bench, 'burst'))
  await idle(part(bench, 'idle'))
}

function part({ quick, say, figure }: Bench, name: string): Bench {
  return {
    quick,
    say: text => say(`${name}: ${text}`),
    figure: found => figure({ ...found, name: `${name}: ${found.name}` }),
  }
}
