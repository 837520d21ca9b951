// Every node type there is: one line each.
import type { NodeType } from './node-type.ts'
import { conditional } from './types/conditional.ts'
import { delay } from './types/delay.ts'
import { http } from './types/http.ts'
import { llm } from './types/llm.ts'
import { merge } from './types/merge.ts'
import { split } from './types/split.ts'
import { transform } from './types/transform.ts'
import { webhook } from './types/webhook.ts'

export const nodeTypes: ReadonlyMap<string, NodeType> = new Map(
  [conditional, delay, http, llm, merge, split, transform, webhook].map(nodeType => [nodeType.type, nodeType]),
)
