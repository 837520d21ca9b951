'use strict'
// Starts a program of this folder on any machine that has Node 20 and npm: installs what is missing, finds a Node that
// can run it, hands over. Plain JavaScript that old Nodes parse, so that they get a sentence and not a syntax error.
// 1. A running Node that is good enough goes on itself; only an older one starts the packaged one as its child.
// 2. Every signal is passed on to the child, whoever else may have sent it there too: a terminal signals the whole
//    foreground group, systemd the whole unit, npm its child once more, `kill` one process only, and nothing tells
//    which it was. What arrives several times is made one by the receiver (enter.cjs).
// 3. The launcher ends as its child ends, and a child whose launcher was killed stops (enter.cjs).
// 4. Flags for Node that a program asks for need a new start: of the same process where the platform can do that.
const OLDEST = [20, 0] // runs npm and this file
const GOOD = [22, 22] // runs the program

/** `program`: its `file`, its `args`, the export to `call` with them, if any, `flags` for Node, and `dev` for a tool of development. */
function launch(program) {
  if (!isAtLeast(OLDEST)) return fail(78, needs(OLDEST))
  const root = require('node:path').dirname(__dirname)
  installed(root, program)
    .then(() => {
      if (!isAtLeast(GOOD)) return relaunch(root, program)
      startAnew(program)
      return require('./enter.cjs')(root, program)
    })
    .catch(error => fail(error.exitCode || 1, error.exitCode ? error.message : error.stack))
}

/** A launcher that starts this one as its child has looked already. */
async function installed(root, program) {
  if (process.env.MBFLOW_LIFELINE !== undefined) return
  await require('./install.cjs').ensureInstalled({ root, dev: program.dev === true, supervise })
}

function isAtLeast(wanted) {
  const version = process.versions.node.split('.').map(Number)
  return version[0] > wanted[0] || (version[0] === wanted[0] && version[1] >= wanted[1])
}

function needs(wanted) {
  return `it needs Node ${wanted.join('.')} or newer, and this is ${process.version}`
}

function missingFlags(program) {
  return (program.flags || []).filter(flag => process.execArgv.indexOf(flag) < 0)
}

/**
 * Gives the process to a Node with the flags that are missing; returns where there are none, the platform cannot, or
 * somebody holds on to the process by a pipe, which would be lost.
 */
function startAnew(program) {
  const flags = missingFlags(program)
  if (flags.length === 0 || process.execve === undefined || process.platform === 'win32') return
  if (process.env.MBFLOW_LIFELINE !== undefined) return
  const command = [process.execPath].concat(process.execArgv, flags, process.argv.slice(1))
  process.removeAllListeners('warning') // that execve is experimental
  process.execve(process.execPath, command, process.env)
}

/** The same command once more, by the packaged Node. */
function relaunch(root, program) {
  const node = packagedNode(root)
  if (node === undefined) {
    return fail(78, `${needs(GOOD)}; install a newer Node, or run \`npm ci --include=optional\` for the packaged one`)
  }
  const child = require('node:child_process').spawn(
    node,
    process.execArgv.concat(missingFlags(program), process.argv.slice(1)),
    {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: Object.assign({}, process.env, { MBFLOW_LIFELINE: '3' }),
    },
  )
  return supervise(child).then(endAs, error => fail(78, `${node} does not run here (${error.message}); ${needs(GOOD)}`))
}

/** The binary by its package: `.bin/node` is not always there, and may be another platform's. */
function packagedNode(root) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  for (const name of [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`]) {
    try {
      const manifest = require.resolve(`${name}/package.json`, { paths: [root] })
      return require('node:path').join(manifest, '..', require(manifest).bin.node)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return undefined
}

/** Passes signals on to a child until it ends; resolves to how it ended. */
function supervise(child) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = signal => child.kill(signal)
  for (const signal of signals) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  }).finally(() => {
    for (const signal of signals) process.removeListener(signal, pass)
  })
}

function endAs(end) {
  if (end.signal) process.kill(process.pid, end.signal)
  else process.exit(end.code)
}

function fail(exitCode, message) {
  process.stderr.write(`mbflow: ${message}\n`)
  process.exit(exitCode)
}

module.exports = launch
