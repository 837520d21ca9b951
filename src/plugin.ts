// What plug-ins import, as `mbflow/plugin`: enough to define node types, and no more. What stands here stays.
export { type Static, Type } from 'typebox'
export type { Problem } from './base/errors.ts'
export { type HttpClient, HttpClientError, type HttpRequest, type HttpResponse } from './base/http-client.ts'
export type { Json, JsonObject } from './base/json.ts'
export {
  type Completed,
  defineNodeType,
  type Failed,
  failed,
  type NodeContext,
  type NodeError,
  type NodeType,
  type Outcome,
  type Parked,
  type Scope,
} from './node/node-type.ts'
