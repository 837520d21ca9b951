import { expect, test } from 'vitest'
import { createSecrets, type Secrets } from '../../../src/base/secrets.ts'

const none: Secrets = { find: async () => undefined }

test('a secret is found by its name, in small letters or capitals', async () => {
  const secrets = createSecrets(new Map([['MBFLOW_SECRET_OPENAI', 'sk-1234567890']]), none)
  expect(await secrets.find('openai')).toBe('sk-1234567890')
  expect(await secrets.find('OpenAI')).toBe('sk-1234567890')
  expect(await secrets.find('other')).toBeUndefined()
})

test('a variable goes before a stored secret of the same name, which nobody then asks for', async () => {
  const asked: string[] = []
  const stored: Secrets = { find: async name => `stored ${asked.push(name) && name}` }
  const secrets = createSecrets(new Map([['MBFLOW_SECRET_OPENAI', 'sk-1234567890']]), stored)
  expect(await secrets.find('openai')).toBe('sk-1234567890')
  expect(await secrets.find('crm')).toBe('stored crm')
  expect(asked).toEqual(['crm'])
})
