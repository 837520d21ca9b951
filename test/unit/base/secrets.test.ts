import { expect, test } from 'vitest'
import { createSecrets, hideSecrets, type Secrets } from '../../../src/base/secrets.ts'

const revealed = new Map([
  ['crm', 'pa/ss+w"rd'],
  ['pem', '-----BEGIN\nxyzxyz\n-----END'],
  ['api', 'sk-1234567890'],
])

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

test.each([
  ['as it is', 'the key sk-1234567890, again: sk-1234567890', 'the key [secret api], again: [secret api]'],
  ['in a URL', `?p=${encodeURIComponent('pa/ss+w"rd')}`, '?p=[secret crm]'],
  ['in JSON text', JSON.stringify({ p: 'pa/ss+w"rd' }), '{"p":"[secret crm]"}'],
  ['in base64', `Basic ${Buffer.from('pa/ss+w"rd').toString('base64')}`, 'Basic [secret crm]'],
  ['in base64 for URLs', Buffer.from('sk-1234567890').toString('base64url'), '[secret api]'],
  ['on one line', 'got -----BEGIN xyzxyz -----END', 'got [secret pem]'],
  ['cut off', 'Incorrect key: sk-12345…', 'Incorrect key: [secret api]…'],
  ['cut off somewhere', 'sk-123456… and more', '[secret api]… and more'],
  ['not at all', 'nothing to see…', 'nothing to see…'],
])('what stands there %s is hidden', (_, text, hidden) => {
  expect(hideSecrets(text, revealed)).toBe(hidden)
})

test('every text of a value is searched, its keys too, and what is no text stays', () => {
  expect(hideSecrets({ 'sk-1234567890': [1, null, true, { deep: 'is sk-1234567890' }] }, revealed)).toEqual({
    '[secret api]': [1, null, true, { deep: 'is [secret api]' }],
  })
})

test('a secret that is part of another does not show the rest of it', () => {
  const both = new Map([
    ['short', '12345678'],
    ['long', '123456789'],
  ])
  expect(hideSecrets('123456789 12345678', both)).toBe('[secret long] [secret short]')
})

test('without secrets a value is handed on as it is', () => {
  const value = { a: 1 }
  expect(hideSecrets(value, new Map())).toBe(value)
})
