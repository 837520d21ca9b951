// Three projects: `unit` needs nothing but the sources; `database` and `e2e` get a PostgreSQL from their global set-up.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { closingLine } from './test/support/closing-line.ts'

const globalSetup = 'test/support/global-setup.ts'

export default defineConfig({
  // What plug-ins import; the program sees to it by itself.
  resolve: { alias: { 'mbflow/plugin': new URL('src/plugin.ts', import.meta.url).pathname } },
  test: {
    pool: 'forks',
    // A file waits for PostgreSQL more than it computes: two at least, and never more than the server has connections for.
    maxWorkers: Math.min(Math.max(availableParallelism(), 2), 8),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', closingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/architecture.test.ts', 'test/{architecture,unit,contract}/**/*.test.ts'],
          isolate: false, // what is pure leaves nothing behind, and half the time is saved
        },
      },
      { extends: true, test: { name: 'database', include: ['test/db/**/*.test.ts'], globalSetup } },
      {
        extends: true,
        // Whole daemons, some under load: one file at a time, after the others, so that each has the machine to itself.
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], globalSetup, fileParallelism: false },
      },
    ],
  },
})
