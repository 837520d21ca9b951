// Documents for tests: only what a test is about needs to be said.
import type { EdgeDocument, NodeDocument, WorkflowDocument } from '../../../src/workflow/workflow.ts'

export function document(name: string, changes: Partial<WorkflowDocument> = {}): WorkflowDocument {
  return {
    name,
    description: null,
    variables: {},
    settings: {},
    nodes: [node('first'), node('second')],
    edges: [edge('first', 'second')],
    triggers: [],
    ...changes,
  }
}

export function node(key: string, changes: Partial<NodeDocument> = {}): NodeDocument {
  return { key, name: key, type: 'transform', config: {}, policy: {}, ...changes }
}

export function edge(source: string, target: string, condition: EdgeDocument['condition'] = null): EdgeDocument {
  return { source, target, condition }
}
