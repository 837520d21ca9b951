// A process that uses the embedded server of the folder it is given: says `using URL`, looks after the server on SIGUSR2
// (`looked true` when it had to start it) and leaves on SIGINT.
import { createServer } from 'node:net'
import { messageOf } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded } from '../../src/db/embedded.ts'

const [dataDir = ''] = process.argv.slice(2)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const server = await acquireEmbedded({ dataDir, log: silentLogger })
const daemon = createServer().listen(0, '127.0.0.1') // what keeps the process alive
process.on('SIGUSR2', () => {
  server.ensureRunning().then(
    restarted => say(`looked ${restarted}`),
    error => say(`failed ${messageOf(error)}`),
  )
})
process.once('SIGINT', async () => {
  await server.release()
  daemon.close()
})
say(`using ${server.url}`)
