// `npm run test:cron-oracle`: what takes minutes, and is run when the arithmetic of schedules or the copy of the time zones
// changes.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/oracle/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
