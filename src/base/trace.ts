// Trace context as other systems read it (W3C `traceparent`). An execution is a trace and an attempt of a node is a span,
// so that what an attempt asked of others is found by the id of its execution.
import { deriveId } from './id.ts'

/** Marked as sampled: a receiver that heeds the mark would drop its own spans otherwise. */
export function traceparent(executionId: string, nodeExecutionId: string, attempt: number): string {
  const span = deriveId(nodeExecutionId, `attempt ${attempt}`)
  return `00-${hex(executionId)}-${hex(span).slice(16)}-01`
}

function hex(uuid: string): string {
  return uuid.replaceAll('-', '')
}
