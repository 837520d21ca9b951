// Preloaded into a daemon (see crash.ts): once armed, by SIGUSR2 or from the start, it ends the process the moment it gets to the failpoint that
// FAILPOINT names, `append.after:2` the second time; without one it tells each that it gets to.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'

const [name = '', times = '1'] = (process.env.FAILPOINT ?? '').split(':')
let isArmed = process.env.ARMED === 'yes'
let count = 0

process.on('SIGUSR2', () => {
  isArmed = true
  writeSync(2, 'armed\n')
})
subscribe('mbflow:failpoint', reached => {
  if (!isArmed) return
  if (name === '') writeSync(2, `reached ${reached}\n`)
  else if (reached === name && ++count === Number(times)) process.kill(process.pid, 'SIGKILL')
})
