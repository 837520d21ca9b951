// The form of a workflow in documents and in the API: the schema that checks it, and the way from it to the words of the
// domain and back. What a schema cannot say (graphs, a node's own config, expressions) is said in validate.ts.
import { type Static, Type } from 'typebox'
import { formatDuration, parseDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { DEFAULT_POOL, POOL_PATTERN, POOL_RULE } from '../base/pool-name.ts'
import { DurationText } from '../base/schema.ts'
import { formOfRetry, RetryForm, retryOfForm } from './retry-form.ts'
import { formOfSettings, SettingsForm, settingsOfForm } from './settings-form.ts'
import type {
  EdgeCondition,
  EdgeDocument,
  NodeDocument,
  NodePolicy,
  TriggerDocument,
  WorkflowDocument,
} from './workflow.ts'

export const MAX_NODES = 200
export const MAX_EDGES = 1_000
const MAX_TRIGGERS = 100

const strict = { additionalProperties: false }

const Key = Type.String({
  pattern: '^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,99}$',
  description: 'a key starts with a letter or _, goes on with letters, digits, _ and -, and has at most 100 characters',
})
const Label = (description: string) => Type.String({ minLength: 1, maxLength: 255, description })
const Free = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description })
const Branch = Type.Union([Type.String({ minLength: 1 }), Type.Boolean()])

const Pool = Type.Refine(
  Type.String({ pattern: POOL_PATTERN, description: POOL_RULE }),
  pool => pool !== DEFAULT_POOL,
  () => 'must not be "default": leave it out, and any worker that serves no pool only runs the node',
)

const NodeForm = Type.Object(
  {
    key: Key,
    type: Type.String({ minLength: 1, description: 'What the node does: http, transform, conditional, merge, …' }),
    name: Type.Optional(Label('For people; default: the key')),
    config: Type.Optional(Free("The type's own fields; strings may hold {{ expressions }}")),
    timeout: Type.Optional(
      DurationText({ min: '1ms', max: '1h', default: '30s', description: 'How long one attempt may take' }),
    ),
    total_timeout: Type.Optional(
      DurationText({
        min: '1ms',
        max: '30d',
        description: 'How long all its attempts and the pauses between them may take; default: no limit',
      }),
    ),
    retry: Type.Optional(RetryForm),
    on_error: Type.Optional(
      Type.Enum(['fail', 'continue', 'route'], {
        default: 'fail',
        description:
          'Whether a lasting error fails the execution, or all edges out of the node decide, or those for errors, of which there must be one',
      }),
    ),
    join: Type.Optional(
      Type.Union(
        [
          Type.Enum(['any', 'all']),
          Type.Object({ n_of: Type.Integer({ minimum: 1, description: 'At least so many' }) }, strict),
        ],
        { default: 'any', description: 'How many incoming edges must be taken' },
      ),
    ),
    pool: Type.Optional(Pool),
    compensate: Type.Optional(
      Type.String({ description: 'Key of the node that undoes it if the execution fails or is cancelled' }),
    ),
    position: Type.Optional(
      Type.Object({ x: Type.Number(), y: Type.Number() }, { ...strict, description: 'Where an editor draws it' }),
    ),
  },
  strict,
)

const EdgeForm = Type.Object(
  {
    from: Type.String({ description: 'Key of the node it leaves' }),
    to: Type.String({ description: 'Key of the node it enters' }),
    when: Type.Optional(
      Type.String({ minLength: 1, description: 'Expression over output, input, nodes, vars, trigger, execution' }),
    ),
    branch: Type.Optional(
      Type.Union([Branch, Type.Array(Branch, { minItems: 1 })], {
        description: 'Taken if the node takes (one of) these',
      }),
    ),
    on: Type.Optional(Type.Enum(['success', 'error', 'any'], { description: 'How the node it leaves must end' })),
  },
  strict,
)

const TriggerForm = Type.Object(
  {
    key: Key,
    type: Type.String({ description: 'cron, event, interval, manual, …' }),
    name: Type.Optional(Label('For people; default: the key')),
    enabled: Type.Optional(
      Type.Boolean({ description: 'Default: on when the trigger is new, else left as an operator set it' }),
    ),
    config: Type.Optional(Free("The type's own fields and the policies")),
  },
  strict,
)

export const DocumentForm = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N} ._-]*[\\p{L}\\p{M}\\p{N}._-])?$',
      description: 'a name starts with a letter or digit and goes on with those, blanks, ".", "_" and "-"',
    }),
    description: Type.Optional(Type.String()),
    variables: Type.Optional(Free('What expressions see as vars')),
    settings: Type.Optional(SettingsForm),
    nodes: Type.Array(NodeForm, { minItems: 1, maxItems: MAX_NODES }),
    edges: Type.Optional(Type.Array(EdgeForm, { maxItems: MAX_EDGES })),
    triggers: Type.Optional(Type.Array(TriggerForm, { maxItems: MAX_TRIGGERS })),
  },
  strict,
)

export type DocumentForm = Static<typeof DocumentForm>
type NodeForm = Static<typeof NodeForm>
type EdgeForm = Static<typeof EdgeForm>
type TriggerForm = Static<typeof TriggerForm>

/** Of a form that was checked. */
export function fromForm(form: DocumentForm): WorkflowDocument {
  return {
    name: form.name,
    description: form.description ?? null,
    variables: (form.variables ?? {}) as JsonObject,
    settings: settingsOfForm(form.settings ?? {}),
    nodes: form.nodes.map(nodeOfForm),
    edges: (form.edges ?? []).map(edgeOfForm),
    triggers: (form.triggers ?? []).map(triggerOfForm),
  }
}

function nodeOfForm({ key, name = key, type, config = {}, position, ...policy }: NodeForm): NodeDocument {
  const { timeout, total_timeout, retry, ...others } = policy
  return {
    key,
    name,
    type,
    config: config as JsonObject,
    policy: {
      ...(timeout !== undefined && { timeout_ms: parseDuration(timeout) }),
      ...(total_timeout !== undefined && { total_timeout_ms: parseDuration(total_timeout) }),
      ...(retry !== undefined && { retry: retryOfForm(retry) }),
      ...others,
    },
    // The origin is what a node that was never placed has in the database.
    ...(position && (position.x !== 0 || position.y !== 0) && { position }),
  }
}

function edgeOfForm({ from, to, when, branch, on }: EdgeForm): EdgeDocument {
  return { source: from, target: to, condition: conditionOfForm({ when, branch, on }) }
}

function conditionOfForm({
  when,
  branch,
  on,
}: { [K in 'when' | 'branch' | 'on']: EdgeForm[K] | undefined }): EdgeCondition | null {
  if (when !== undefined) return { when }
  if (on !== undefined) return { on }
  if (branch === undefined) return null
  // YAML reads `branch: true` as a boolean; branches have names.
  return { branch: Array.isArray(branch) ? branch.map(String) : String(branch) }
}

function triggerOfForm({ key, name = key, type, enabled, config = {} }: TriggerForm): TriggerDocument {
  return { key, name, type, ...(enabled !== undefined && { enabled }), config: config as JsonObject }
}

/** The way back; what has its default is left out. */
export function formOf(
  workflow: Omit<WorkflowDocument, 'triggers'>,
  triggers: readonly TriggerDocument[],
): DocumentForm {
  const { name, description, variables, settings, nodes, edges } = workflow
  return {
    name,
    ...(description !== null && { description }),
    ...(!isEmpty(variables) && { variables }),
    ...(Object.keys(settings).length > 0 && { settings: formOfSettings(settings) }),
    nodes: nodes.map(formOfNode),
    ...(edges.length > 0 && {
      edges: edges.map(({ source, target, condition }) => ({
        from: source,
        to: target,
        ...formOfCondition(condition),
      })),
    }),
    ...(triggers.length > 0 && { triggers: triggers.map(formOfTrigger) }),
  }
}

function formOfNode({ key, name, type, config, policy, position }: NodeDocument): NodeForm {
  return {
    key,
    type,
    ...(name !== key && { name }),
    ...(!isEmpty(config) && { config }),
    ...formOfPolicy(policy),
    ...(position && { position }),
  }
}

function formOfPolicy({ timeout_ms, total_timeout_ms, retry, ...others }: NodePolicy): Partial<NodeForm> {
  return {
    ...(timeout_ms !== undefined && { timeout: formatDuration(timeout_ms) }),
    ...(total_timeout_ms !== undefined && { total_timeout: formatDuration(total_timeout_ms) }),
    ...(retry && { retry: formOfRetry(retry) }),
    ...others,
  }
}

function formOfCondition(condition: EdgeCondition | null): Partial<EdgeForm> {
  if (!condition) return {}
  if (!('branch' in condition)) return condition
  return { branch: typeof condition.branch === 'string' ? condition.branch : [...condition.branch] }
}

function formOfTrigger({ key, name, type, enabled, config }: TriggerDocument): TriggerForm {
  return {
    key,
    type,
    ...(name !== key && { name }),
    ...(enabled !== undefined && { enabled }),
    ...(!isEmpty(config) && { config }),
  }
}

function isEmpty(object: JsonObject): boolean {
  return Object.keys(object).length === 0
}
