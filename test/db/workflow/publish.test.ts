import { beforeAll, expect, test } from 'vitest'
import { createIds } from '../../../src/base/id.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { findWorkflow } from '../../../src/workflow/find.ts'
import { archiveWorkflow, type Published, publishWorkflow } from '../../../src/workflow/publish.ts'
import type { WorkflowDocument } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { document, edge, node } from './documents.ts'

const ids = createIds(Date.now)
let pool: Pool
beforeAll(async () => {
  pool = (await createTestDatabase()).pool
})

const publish = (wanted: WorkflowDocument): Promise<Published> =>
  pool.transaction(tx => publishWorkflow(tx, { ids }, wanted))

async function versions(name: string): Promise<string[]> {
  const { rows } = await pool.executeSql(
    `select version || ' ' || status || case when published_at is null then '' else ' published' end as line
     from workflows where name = $1 order by version`,
    [name],
  )
  return (rows as { line: string }[]).map(row => row.line)
}

test('a first document becomes version 1, active', async () => {
  const { workflow, created } = await publish(document('first'))
  expect(created).toBe(true)
  expect(workflow).toMatchObject({ name: 'first', version: 1, status: 'active' })
  expect(await versions('first')).toEqual(['1 active published'])
})

test('a version is read back as it was published', async () => {
  const { workflow } = await publish(
    document('whole', {
      description: 'all there is',
      variables: { team: 'ops', list: [1, null, { deep: true }] },
      settings: { timeout_ms: 600_000 },
      nodes: [
        node('z', { name: 'Zoë', config: { b: 1, a: 'x' }, position: { x: -1.5, y: 20 } }),
        node('a', {
          policy: { timeout_ms: 5, retry: { max_attempts: 2, backoff: 'linear', delay_ms: 1 }, join: 'all' },
        }),
        node('m', { type: 'conditional', config: { expression: 'true' }, policy: { on_error: 'continue' } }),
      ],
      edges: [
        edge('z', 'm', { when: 'output > 1' }),
        edge('m', 'a', { branch: ['x', 'y'] }),
        edge('z', 'a', { on: 'any' }),
      ],
    }),
  )
  expect(await findWorkflow(pool, { workflow: 'whole' })).toEqual(workflow)
})

test('publishing an equal document again makes no version', async () => {
  const before = await publish(document('same', { variables: { a: 1, b: { c: 2, d: 3 } } }))
  const after = await publish(document('same', { variables: { b: { d: 3, c: 2 }, a: 1 } }))
  expect(after).toEqual({ workflow: before.workflow, created: false })
  expect(await versions('same')).toEqual(['1 active published'])
})

test.each<[string, Partial<WorkflowDocument>]>([
  ['description', { description: 'new' }],
  ['variables', { variables: { x: 1 } }],
  ['settings', { settings: { timeout_ms: 1 } }],
  ['name of a node', { nodes: [node('first', { name: 'First' }), node('second')] }],
  ['config', { nodes: [node('first', { config: { expression: '1' } }), node('second')] }],
  ['policy', { nodes: [node('first', { policy: { join: 'all' } }), node('second')] }],
  ['condition', { edges: [edge('first', 'second', { on: 'any' })] }],
  ['order of the nodes', { nodes: [node('second'), node('first')] }],
])('another %s makes the next version and archives the one before', async (what, changes) => {
  const name = `next ${what}`
  await publish(document(name))
  expect((await publish(document(name, changes))).workflow.version).toBe(2)
  expect(await versions(name)).toEqual(['1 archived published', '2 active published'])
})

test('an earlier document makes a new version too: versions only go forward', async () => {
  await publish(document('back'))
  await publish(document('back', { description: 'changed' }))
  expect((await publish(document('back'))).workflow.version).toBe(3)
})

test('triggers are no part of a version', async () => {
  await publish(document('triggered'))
  const trigger = { key: 't', name: 't', type: 'manual', config: {} }
  expect((await publish(document('triggered', { triggers: [trigger] }))).created).toBe(false)
})

test('a document that only moves nodes moves them in the version there is', async () => {
  await publish(document('moved', { nodes: [node('first', { position: { x: 1, y: 1 } }), node('second')] }))
  const moved = document('moved', { nodes: [node('first', { position: { x: 5, y: 6 } }), node('second')] })
  const { workflow, created } = await publish(moved)
  expect(created).toBe(false)
  expect(workflow.nodes.map(({ position }) => position)).toEqual([{ x: 5, y: 6 }, undefined])
})

test('a document without positions leaves nodes where an editor put them', async () => {
  await publish(document('placed', { nodes: [node('first', { position: { x: 1, y: 1 } }), node('second')] }))
  const { workflow } = await publish(document('placed'))
  expect(workflow.nodes[0]?.position).toEqual({ x: 1, y: 1 })
})

test('equal documents published at the same time make one version', async () => {
  const published = await Promise.all(Array.from({ length: 6 }, () => publish(document('raced'))))
  expect(published.filter(({ created }) => created)).toHaveLength(1)
  expect(new Set(published.map(({ workflow }) => workflow.id)).size).toBe(1)
})

test('different documents published at the same time make one version each, one of them active', async () => {
  const published = await Promise.all(
    Array.from({ length: 6 }, (_, i) => publish(document('contended', { description: `number ${i}` }))),
  )
  expect(published.map(({ workflow }) => workflow.version).toSorted()).toEqual([1, 2, 3, 4, 5, 6])
  expect(await versions('contended')).toEqual([
    ...[1, 2, 3, 4, 5].map(version => `${version} archived published`),
    '6 active published',
  ])
})

test('a workflow of 200 nodes and 1,000 edges is published', async () => {
  const nodes = Array.from({ length: 200 }, (_, i) => node(`n${i}`))
  const edges = nodes.flatMap(({ key }, i) => nodes.slice(i + 1, i + 7).map(target => edge(key, target.key)))
  const { workflow } = await publish(document('large', { nodes, edges: edges.slice(0, 1_000) }))
  expect(await findWorkflow(pool, { workflow: 'large' })).toEqual(workflow)
})

test('an edge to a node that is not there publishes nothing', async () => {
  await expect(publish(document('dangling', { edges: [edge('first', 'nowhere')] }))).rejects.toThrow('target_node_id')
  expect(await versions('dangling')).toEqual([])
})

test('an archived workflow has no active version', async () => {
  const { workflow } = await publish(document('retired'))
  expect(await pool.transaction(tx => archiveWorkflow(tx, 'retired'))).toEqual({ id: workflow.id, version: 1 })
  expect(await versions('retired')).toEqual(['1 archived published'])
})

test('publishing an archived workflow again makes the next version', async () => {
  await publish(document('revived'))
  await pool.transaction(tx => archiveWorkflow(tx, 'revived'))
  expect((await publish(document('revived'))).workflow).toMatchObject({ version: 2, status: 'active' })
})

test('a workflow that is not active cannot be archived', async () => {
  await publish(document('twice'))
  await pool.transaction(tx => archiveWorkflow(tx, 'twice'))
  await expect(pool.transaction(tx => archiveWorkflow(tx, 'twice'))).rejects.toMatchObject({
    code: 'WORKFLOW_NOT_ACTIVE',
  })
})

test('a workflow that does not exist cannot be archived', async () => {
  await expect(pool.transaction(tx => archiveWorkflow(tx, 'nobody'))).rejects.toMatchObject({
    code: 'WORKFLOW_NOT_FOUND',
  })
})
