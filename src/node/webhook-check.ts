// What the schema of the webhook node cannot say about its config. What holds templates is judged when it runs.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { checkJsonSchema } from '../base/json-schema.ts'
import { hasTemplates, templateExpressions } from '../expression/template.ts'
import { checkHeaders, checkUrl } from './http-check.ts'

/** Tolerates values of the wrong type: the schema speaks of those. */
export function checkWebhookConfig(config: JsonObject): Problem[] {
  const { url, headers, wait_for_callback: wait } = config
  const own = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
  const signed = isJsonObject(headers) ? Object.keys(headers).filter(name => own.includes(name.toLowerCase())) : []
  return [
    ...checkUrl(url),
    ...checkHeaders(headers),
    ...signed.map(name => ({ path: `headers.${name}`, message: 'is made by the node itself' })),
    ...(isJsonObject(wait) ? [...checkSchemaOf(wait), ...checkSecretKept(config)] : []),
  ]
}

function checkSchemaOf({ schema }: JsonObject): Problem[] {
  const path = 'wait_for_callback.schema'
  if (!isJsonObject(schema)) return []
  if (hasTemplates(schema))
    return [{ path, message: 'holds a template; it must be known when the document is applied' }]
  return checkJsonSchema(schema, path)
}

/** A URL that is told to nobody is called by nobody. */
function checkSecretKept({ url = null, headers = null, body }: JsonObject): Problem[] {
  if (body === undefined) return []
  const named = templateExpressions({ url, headers, body }, '').some(({ expression }) =>
    /\bcallback\b/.test(expression),
  )
  if (named) return []
  return [{ path: 'body', message: 'does not say where to call back', hint: 'insert {{ callback.url }}' }]
}
