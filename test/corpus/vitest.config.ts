// `npm run corpus`: records the histories that are not there yet.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/corpus/record.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
