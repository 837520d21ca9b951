// What makes a version: documents with equal checksums are the same version. Everything the engine or a reader of the
// version sees is part of it, in document order; not the positions of nodes, which may change, nor the triggers.
import { createHash } from 'node:crypto'
import { isJsonObject } from '../base/json.ts'
import type { WorkflowDocument } from './workflow.ts'

export function checksumOf({
  description,
  variables,
  settings,
  nodes,
  edges,
}: Omit<WorkflowDocument, 'name' | 'triggers'>): string {
  const version = {
    description,
    variables,
    settings,
    nodes: nodes.map(({ key, name, type, config, policy }) => ({ key, name, type, config, policy })),
    edges: edges.map(({ source, target, condition }) => ({ source, target, condition })),
  }
  return createHash('sha256').update(JSON.stringify(version, sortFields)).digest('hex')
}

/** The database does not keep the order of an object's fields, so it cannot count. */
function sortFields(_: string, value: unknown): unknown {
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
