import { expect, test } from 'vitest'
import { listenUrl } from '../../../src/base/origin.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:80'],
  ['0.0.0.0', 'http://127.0.0.1:80'],
  ['::', 'http://[::1]:80'],
  ['fd00::1', 'http://[fd00::1]:80'],
  ['flows.internal', 'http://flows.internal:80'],
])('what listens on %s is reached at %s', (host, url) => {
  expect(listenUrl(host, 80)).toBe(url)
})
