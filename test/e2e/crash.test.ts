// A daemon dies, by SIGKILL of its own hand, right before and right after it writes; the next one ends what it held. All the
// same is done that would have been done, and again only what was under way when it died. `npm run test:crash` tries every
// place there is; here every tenth is tried, others in each kind of run.
import { expect, test } from 'vitest'
import { type Crashed, createStage, type Place, type Stage } from '../support/crash.ts'
import { crashScenes } from '../support/crash-scenes.ts'

const isEverywhere = process.env.CRASH === 'everywhere'
const EVERY = isEverywhere ? 1 : 10

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
    for (const place of tried) prove([place], undisturbed, await crash(stage, [place]))
    const next = isEverywhere ? TAKING_OVER : TAKING_OVER.filter((_, i) => i === scene.nth)
    for (const place of next) prove([FIRST, place], undisturbed, await crash(stage, [FIRST, place]))
    expect(await stage.violations()).toEqual([])
  },
)

/** With the first attempts under way; and where the next daemon dies as well. */
const FIRST = 'append.after:1'
const TAKING_OVER: readonly Place[] = ['claim.after:1', 'append.before:1', 'append.after:1', 'append.before:2']

/** Two outcomes that happened to be written together may leave the last place unreached; then there was nothing to prove. */
async function crash(stage: Stage, places: readonly Place[]): Promise<Crashed> {
  const crashed = await stage.crashAt(...places)
  if (places.every(place => place.endsWith(':1'))) expect(crashed.wasKilled, places.join()).toBe(true)
  return crashed
}

function prove(places: readonly Place[], undisturbed: Pick<Crashed, 'result' | 'requests'>, crashed: Crashed): void {
  const where = `killed at ${places.join(' and ')} with ${crashed.inFlight.join(' and ') || 'nothing'} under way`
  expect(crashed.result, where).toEqual(undisturbed.result)
  const allowed = (node: string): number =>
    (undisturbed.requests[node] ?? 0) + crashed.inFlight.filter(key => key === node).length
  const tooMany = Object.entries(crashed.requests).filter(([node, count]) => count > allowed(node))
  expect(tooMany, `${where}: requests that were made again`).toEqual([])
}
