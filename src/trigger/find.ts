// Looks triggers up for people: lists, and one by `workflow/key`, key or id.
import { MbflowError } from '../base/errors.ts'
import { isUuid } from '../base/id.ts'
import { nearMiss } from '../base/near-miss.ts'
import type { Db } from '../db/pool.ts'
import { findTriggers, listTriggers } from './store.ts'
import type { Trigger } from './trigger.ts'

export { type ListedTrigger, listTriggers } from './store.ts'

/** Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS. */
export async function findTrigger(db: Db, word: string): Promise<Trigger> {
  const slash = word.lastIndexOf('/')
  const found = await findTriggers(db, {
    id: isUuid(word) ? word : null,
    workflowName: slash < 0 ? null : word.slice(0, slash),
    key: word.slice(slash + 1),
  })
  const [trigger, another] = found
  if (trigger === undefined) throw await notFound(db, word)
  if (another !== undefined) {
    const names = found.map(one => `${one.workflowName}/${one.key}`)
    throw new MbflowError('NAME_AMBIGUOUS', `several triggers are called ${word}: ${names.join(', ')}`, {
      hint: `write ${names[0]}`,
    })
  }
  return trigger
}

async function notFound(db: Db, word: string): Promise<MbflowError> {
  const known = (await listTriggers(db, undefined)).map(one => `${one.workflowName}/${one.key}`)
  const meant = nearMiss(word, [...known, ...known.map(name => name.slice(name.lastIndexOf('/') + 1))])
  return new MbflowError('TRIGGER_NOT_FOUND', `there is no trigger ${word}`, {
    hint: meant === undefined ? 'mbflow trigger list shows them all' : `did you mean ${meant}?`,
  })
}
