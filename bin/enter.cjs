'use strict'
// The last step of the launch, in the Node that runs the program (`import()` does not parse on every other).
const fs = require('node:fs')
const { enableCompileCache } = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

/** Longer than a signal takes through npm and the launcher, shorter than a person takes to mean it again. */
const SAME_SIGNAL_MS = 500

function enter(root, program) {
  mergeSignals()
  stopWithLauncher()
  if (!program.dev) keepCompiled(root)
  // What this process starts as `node` is this Node too.
  process.env.PATH = [path.dirname(process.execPath), process.env.PATH || ''].join(path.delimiter)
  const file = path.resolve(root, program.file)
  process.argv = [process.execPath, file].concat(program.args)
  return import(pathToFileURL(file)).then(module => (program.call ? module[program.call](program.args) : undefined))
}

/** Saves two thirds of a short command. Only in a folder of our own: what root left in another's, they could not remove. */
function keepCompiled(root) {
  const isOurs = process.getuid !== undefined && process.getuid() === fs.statSync(root).uid
  if (isOurs) enableCompileCache(path.join(root, '.mbflow', 'compiled'))
}

/** One Ctrl-C arrives up to three times (terminal, npm, launcher), and programs take a second signal to mean "at once". */
function mergeSignals() {
  const emit = process.emit
  const seen = {}
  process.emit = (event, ...rest) => {
    if (event === 'SIGINT' || event === 'SIGTERM' || event === 'SIGHUP') {
      const now = performance.now()
      if (now - seen[event] < SAME_SIGNAL_MS) return true
      seen[event] = now
    }
    return emit.call(process, event, ...rest)
  }
}

/** The launcher holds the other end of this pipe, so it ends with the launcher however that ends. */
function stopWithLauncher() {
  const lifeline = process.env.MBFLOW_LIFELINE
  delete process.env.MBFLOW_LIFELINE
  if (lifeline === undefined) return
  const pipe = new (require('node:net').Socket)({ fd: Number(lifeline) })
  pipe.once('close', () => process.kill(process.pid, 'SIGTERM'))
  pipe.resume().unref()
}

module.exports = enter
