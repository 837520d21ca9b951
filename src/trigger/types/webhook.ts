import { defineTriggerType } from '../trigger-type.ts'
import { checkWebhookConfig } from '../webhook-check.ts'
import { type WebhookConfig, webhookConfigSchema } from '../webhook-config.ts'

export const webhook = defineTriggerType<WebhookConfig>({
  type: 'webhook',
  summary: 'Fires when a request comes to its URL, and proves where it comes from.',
  configSchema: webhookConfigSchema,
  carries: ['body', 'headers', 'query', 'method', 'received_at'],
  check: checkWebhookConfig,
  describe: ({ auth, methods = ['POST'] }) => `${methods.join(', ')}, ${auth.scheme}`,
})
