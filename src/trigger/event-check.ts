// What the schema of the event trigger cannot say about its config.
import { parseDuration } from '../base/duration.ts'
import type { Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import { listWords } from '../base/schema-words.ts'
import { checkExpression, referencesIn } from '../expression/expression.ts'
import type { EventConfig } from './event-config.ts'

/** Fields may be missing: those that do not fit the schema are. */
export function checkEventConfig(config: JsonObject): Problem[] {
  const event = config as EventConfig
  return [...checkSelection(event), ...checkGathering(event), ...checkExpressions(event)]
}

function present<K extends keyof EventConfig>(config: EventConfig, fields: readonly K[]): K[] {
  return fields.filter(field => config[field] !== undefined)
}

function checkSelection(config: EventConfig): Problem[] {
  const [first, ...others] = present(config, ['event', 'any_of', 'all_of'])
  const problems: Problem[] = others.map(field => ({
    path: field,
    message: `stands beside ${first}`,
    hint: 'a trigger has one of event, any_of and all_of; filter picks among the events of any',
  }))
  if (config.all_of !== undefined && config.within === undefined)
    problems.push({ path: 'within', message: 'is required by all_of: how far apart its events may be' })
  if (config.within !== undefined && config.all_of === undefined && config.any_of === undefined)
    problems.push({
      path: 'within',
      message: 'needs all_of or any_of',
      hint: 'debounce and batch have times of their own',
    })
  return problems
}

function checkGathering(config: EventConfig): Problem[] {
  const [first, ...others] = present(config, ['within', 'debounce', 'throttle', 'batch'])
  const problems: Problem[] = others.map(field => ({
    path: field,
    message: `stands beside ${first}`,
    hint: 'a trigger has one of within, debounce, throttle and batch',
  }))
  if (config.group_by !== undefined && first === undefined)
    problems.push({ path: 'group_by', message: `needs ${listWords(['within', 'debounce', 'throttle', 'batch'])}` })
  const { quiet, max_wait } = config.debounce ?? {}
  if (quiet !== undefined && max_wait !== undefined && parseDuration(max_wait) < parseDuration(quiet))
    problems.push({ path: 'debounce.max_wait', message: `${max_wait} is shorter than quiet, ${quiet}` })
  return problems
}

function checkExpressions({ filter, group_by, any_of = [], all_of = [] }: EventConfig): Problem[] {
  const placed: [string, string | undefined][] = [
    ['filter', filter],
    ['group_by', group_by],
  ]
  for (const [field, selectors] of [['any_of', any_of] as const, ['all_of', all_of] as const])
    selectors.forEach((one, i) => {
      if (typeof one !== 'string') placed.push([`${childPath(field, i)}.filter`, one.filter])
    })
  return placed.flatMap(([path, expression]) => (expression === undefined ? [] : checkOne(path, expression)))
}

function checkOne(path: string, expression: string): Problem[] {
  const fault = checkExpression(expression)
  if (fault !== null) return [{ path, ...fault }]
  const references = referencesIn(expression)
  const strangers = references === 'all' ? [] : [...references.keys()].filter(name => name !== 'event')
  return strangers.map(name => ({
    path,
    message: `"${name}" is not a known name`,
    hint: `all there is to name is event: event.type, event.data.${name}`,
  }))
}
