// The trigger somebody asks about, with what its future depends on: one that is applied, or one that a document describes.

import { isDeepStrictEqual } from 'node:util'
import { MbflowError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import { databaseNow } from '../db/database-time.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { TriggerDocument } from '../workflow/workflow.ts'
import type { Documents } from './apply-files.ts'
import type { SharedCalendar } from './calendar-document.ts'
import { checkTrigger } from './check.ts'
import { ALWAYS } from './cooldown.ts'
import { firstSlotAfter, type Standing } from './dispose.ts'
import { sharedCalendars } from './exclusion.ts'
import { findTrigger } from './find.ts'
import type { Prospect } from './foresee.ts'
import { holdSnapshot, readCursor } from './past-store.ts'
import { loadStanding } from './standing.ts'
import { loadTriggersOf } from './store.ts'
import { isArmed, type Trigger } from './trigger.ts'

export interface Subject {
  readonly trigger: Trigger
  readonly prospect: Prospect
  /** Executions of the trigger that are not over; 0 where its rule does not ask. */
  readonly open: number
  /** Fires that wait for room; 0 where its rule does not ask. */
  readonly waiting: number
  /** Whether it is about to be paused, because its executions fail. */
  readonly failing: boolean
}

/** Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS. */
export function loadSubject(pool: Pool, word: string): Promise<Subject> {
  return pool.transaction(async tx => {
    await holdSnapshot(tx)
    return subjectOf(tx, await findTrigger(tx, word))
  })
}

/** Of a trigger that is there. */
export async function subjectOf(tx: Tx, trigger: Trigger): Promise<Subject> {
  const { open, waiting, failing, ...standing } = await standingOf(tx, trigger)
  return { trigger, open, waiting, failing, prospect: { ...standing, ...(await cursorOf(tx, trigger)) } }
}

async function standingOf(tx: Tx, trigger: Trigger): Promise<Standing> {
  return (await loadStanding(tx, [trigger]))(trigger)
}

async function cursorOf(tx: Tx, { id }: Trigger): Promise<Pick<Prospect, 'now' | 'cursor'>> {
  const { now, cursor } = await readCursor(tx, id)
  return { now: now.getTime(), cursor: cursor?.getTime() ?? null }
}

/** A trigger as it would be once an edit is applied. */
export interface Draft extends Subject {
  /** The trigger as it stands; null if applying would create it. */
  readonly present: Subject | null
}

type Edit = Partial<Pick<Trigger, 'name' | 'type' | 'config' | 'enabled'>>

/** Throws DOCUMENT_INVALID when the edited rule names a calendar that is not there. */
async function draftOf(
  tx: Tx,
  { present, edit, given }: { present: Subject; edit: Edit; given: readonly SharedCalendar[] },
): Promise<Draft> {
  const trigger = { ...present.trigger, ...edit }
  const standing = await standingOf(tx, trigger)
  const calendars = new Map([...standing.calendars, ...given.map(({ name, form }) => [name, form] as const)])
  const missing = sharedCalendars(trigger.config).filter(name => !calendars.has(name))
  if (missing.length > 0) {
    throw new MbflowError('DOCUMENT_INVALID', `there is no calendar ${missing.join(', ')}`, {
      hint: 'apply its document first, or have it in the same file',
    })
  }
  const { now, cursor } = present.prospect
  const stays =
    trigger.enabled === present.trigger.enabled && isDeepStrictEqual(ruleOf(trigger), ruleOf(present.trigger))
  // An edit sets the cursor to the first slot of the new rule, as arm does.
  const next = stays || !isArmed(trigger) ? cursor : firstSlotAfter(trigger, now)
  const { open, waiting, failing, fired } = standing
  // As an edit does, in arm.
  const rests = trigger.config.cooldown === present.trigger.config.cooldown ? standing.restsUntil : ALWAYS
  const prospect = { now, cursor: next, fired, restsUntil: rests, calendars }
  return { trigger, open, waiting, failing, prospect, present }
}

const ruleOf = ({ type, config }: Trigger): unknown => ({ type, config })

/** A trigger whose config is edited. Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS, DOCUMENT_INVALID. */
export function loadEdited(
  pool: Pool,
  { word, edit }: { word: string; edit: (config: JsonObject) => JsonObject },
): Promise<Draft> {
  return pool.transaction(async tx => {
    await holdSnapshot(tx)
    const present = await subjectOf(tx, await findTrigger(tx, word))
    const config = edit(present.trigger.config)
    const problems = checkTrigger(present.trigger.type, config, '')
    if (problems.length > 0)
      throw new MbflowError('DOCUMENT_INVALID', `the edited rule of ${word} is not one`, { problems })
    return draftOf(tx, { present, edit: { config }, given: [] })
  })
}

/**
 * A trigger of documents. `word` is `workflow/key`, or the key alone, and may be left out where there is one trigger.
 * Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS, DOCUMENT_INVALID.
 */
export async function loadDocumentDraft(
  pool: Pool,
  { documents, word }: { documents: Documents; word: string | undefined },
): Promise<Draft> {
  const { workflowName, wanted } = pick(documents, word)
  const { key, name, config } = wanted
  const type = wanted.type as Trigger['type']
  return pool.transaction(async tx => {
    await holdSnapshot(tx)
    const found = (await loadTriggersOf(tx, workflowName)).find(one => one.key === key)
    const enabled = wanted.enabled ?? found?.enabled ?? true
    if (found !== undefined) {
      const present = await subjectOf(tx, found)
      return draftOf(tx, { present, edit: { name, type, config, enabled }, given: documents.calendars })
    }
    const now = await databaseNow(tx)
    const anchorAt = new Date(Math.floor(now.getTime() / 1000) * 1000)
    const trigger = { ...NEW, workflowName, key, name, type, config: {}, enabled: false, anchorAt }
    const nothing: Subject = {
      trigger,
      open: 0,
      waiting: 0,
      failing: false,
      prospect: { now: now.getTime(), cursor: null, fired: 0, restsUntil: ALWAYS, calendars: new Map() },
    }
    const draft = await draftOf(tx, { present: nothing, edit: { config, enabled }, given: documents.calendars })
    return { ...draft, present: null }
  })
}

/** What a trigger has only once it is applied. */
const NEW = {
  id: '00000000-0000-0000-0000-000000000000',
  workflowId: '00000000-0000-0000-0000-000000000000',
  specVersion: 0,
  pausedAt: null,
  pausedBy: null,
  pauseNote: null,
  lastTriggeredAt: null,
  workflowPriority: null,
}

function pick({ workflows }: Documents, word: string | undefined): { workflowName: string; wanted: TriggerDocument } {
  const all = workflows.flatMap(({ name, triggers }) =>
    triggers.map(wanted => ({ workflowName: name, wanted, full: `${name}/${wanted.key}` })),
  )
  const names = all.map(({ full }) => full)
  const found = all.filter(({ full, wanted }) => word === undefined || full === word || wanted.key === word)
  const [first, another] = found
  if (first === undefined) {
    const meant = word === undefined ? undefined : nearMiss(word, [...names, ...all.map(({ wanted }) => wanted.key)])
    const what = word === undefined ? 'trigger' : `trigger ${word}`
    throw new MbflowError('TRIGGER_NOT_FOUND', `there is no ${what} in the documents`, {
      hint: meant === undefined ? `they have: ${names.join(', ') || 'none'}` : `did you mean ${meant}?`,
    })
  }
  if (another !== undefined) {
    throw new MbflowError(
      'NAME_AMBIGUOUS',
      `the documents have several triggers: ${found.map(one => one.full).join(', ')}`,
      {
        hint: `name one, such as ${first.full}`,
      },
    )
  }
  return first
}
