// A daemon dies, by SIGKILL of its own hand, right before and right after it writes; the next one ends what it held. All the
// same is done that would have been done, and again only what was under way when it died. `npm run test:crash` tries every
// place there is; here every seventh is tried, others in each kind of run.
import { expect, test } from 'vitest'
import { type Crashed, createStage, type Place, type Stage } from '../support/crash.ts'
import { crashScenes } from '../support/crash-scenes.ts'

const EVERY = process.env.CRASH === 'everywhere' ? 1 : 7

const scenes = crashScenes.map((scene, nth) => ({ ...scene, nth }))

test.each(scenes)(
  'killed wherever it writes, $name ends as if nothing had happened',
  {
    timeout: 300_000,
  },
  async scene => {
    const stage = await createStage(scene)
    const { places, ...undisturbed } = await stage.reference()
    expect(undisturbed.result.status).toBe(scene.ends ?? 'completed')
    const tried = places.filter((_, i) => i % EVERY === scene.nth % EVERY)
    expect(tried.length).toBeGreaterThan(0)
    for (const place of tried) prove(place, undisturbed, await crash(stage, place))
    expect(await stage.violations()).toEqual([])
  },
)

/** Two outcomes that happened to be written together may leave the last place unreached; then there was nothing to prove. */
async function crash(stage: Stage, place: Place): Promise<Crashed> {
  const crashed = await stage.crashAt(place)
  if (place.endsWith(':1')) expect(crashed.wasKilled, place).toBe(true)
  return crashed
}

function prove(place: Place, undisturbed: Pick<Crashed, 'result' | 'requests'>, crashed: Crashed): void {
  expect(crashed.result, place).toEqual(undisturbed.result)
  const again = Object.entries(crashed.requests).filter(([node, count]) => count > (undisturbed.requests[node] ?? 0))
  expect(
    again.filter(([node, count]) => !crashed.inFlight.includes(node) || count > (undisturbed.requests[node] ?? 0) + 1),
    `at ${place}, with ${crashed.inFlight.join(' and ') || 'nothing'} under way, requests were made again`,
  ).toEqual([])
}
