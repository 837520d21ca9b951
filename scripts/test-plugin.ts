// `npm run test:plugin -- ./my-node.ts`: runs the contract suite over the node types of a plug-in, with the fixtures that
// stand beside it in `my-node.fixtures.ts`.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const [file, ...rest] = process.argv.slice(2)
if (file === undefined || rest.length > 0) {
  process.stderr.write('error: name one plug-in\nhint: npm run test:plugin -- ./my-node.ts\n')
  process.exit(2)
}
const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/contract/plugin.test.ts'],
  {
    cwd: new URL('../', import.meta.url),
    stdio: 'inherit',
    // npm runs this in the folder of the project, and says where it was called.
    env: { ...process.env, MBFLOW_TEST_PLUGIN: resolve(process.env.INIT_CWD ?? '.', file) },
  },
)
child.once('close', code => {
  process.exitCode = code ?? 1
})
