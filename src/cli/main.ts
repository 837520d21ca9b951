// The process around one command line: its streams, its signals, its exit code.
import { environment } from '../base/config.ts'
import { systemCode } from '../base/errors.ts'
import { run } from './cli.ts'
import { createInterruption } from './interruption.ts'

/** `argv` without the program itself. */
export async function main(argv: readonly string[]): Promise<void> {
  const { stdin, stdout, stderr } = process
  const interruption = createInterruption()
  for (const stream of [stdout, stderr]) {
    stream.on('error', error => {
      if (systemCode(error) !== 'EPIPE') throw error
      interruption.onClosedPipe()
    })
  }
  // Not process.exit(): what has been written to a pipe must still arrive.
  process.exitCode = await run(argv, { env: environment(), stdin, stdout, stderr, interruption })
}
