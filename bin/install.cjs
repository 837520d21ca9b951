'use strict'
// Keeps node_modules what package-lock.json says; where there is no package-lock.json, it is not ours to keep.
// 1. Nothing is installed while every package that the lock names is there in its version. Left out on purpose is not
//    missing: optional packages, and the development packages of an installation that has none of them.
// 2. One process at a time installs into a folder; those that waited look again.
// 3. No package's install script runs: the program needs none, and npm 12 runs none.
// 4. Every command pays for the look, so it loads nothing more than it needs.
const fs = require('node:fs')
const path = require('node:path')

const PATIENCE_MS = 15 * 60_000
const LOCKED_INSTALL = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--engine-strict=false']
const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']

/** `dev`: with the development packages. `supervise` passes signals on to a child and resolves to how it ended. */
async function ensureInstalled({ root, dev, supervise }) {
  if (isInstalled(root, dev)) return
  const { withLock } = require('../src/base/process-lock.cjs')
  process.stderr.write('mbflow: installing what package-lock.json names (about a minute the first time) …\n')
  const folder = path.join(root, '.mbflow')
  try {
    fs.mkdirSync(folder, { recursive: true })
    await withLock(path.join(folder, 'install.lock'), PATIENCE_MS, async () => {
      if (!isInstalled(root, dev)) check(await supervise(startInstall(root)))
    })
  } catch (error) {
    if (error.exitCode) throw error
    if (error.code === 'ELOCKED') throw failure(75, `${error.message}; try again, or end it if it hangs`)
    const reason = error.code === 'ENOENT' ? 'npm was not found' : error.message
    throw failure(78, `cannot install the packages: ${reason}; run \`npm ci\` in ${root} as the owner of that folder`)
  }
}

function isInstalled(root, dev) {
  const wanted = readPackages(path.join(root, 'package-lock.json'))
  if (wanted === undefined) return true
  const present = readPackages(path.join(root, 'node_modules', '.package-lock.json'))
  if (present === undefined) return false
  const keepsDev = dev || Object.values(present).some(entry => entry.dev)
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true
    if (present[name]) return present[name].version === entry.version
    return entry.optional || entry.devOptional || (entry.dev && !keepsDev)
  })
}

/** The packages of a lock file by their folder. */
function readPackages(file) {
  if (!fs.existsSync(file)) return undefined
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages
  } catch (error) {
    throw failure(78, `${file} cannot be read: ${error.message}`)
  }
}

function startInstall(root) {
  const { spawn } = require('node:child_process')
  const args = [...LOCKED_INSTALL, ...QUIET]
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }
  // Under `npm start` the npm that runs it, else the one on the PATH.
  const { npm_execpath: npm = '', npm_node_execpath: node = process.execPath } = process.env
  if (path.basename(npm) === 'npm-cli.js') return spawn(node, [npm, ...args], options)
  return spawn('npm', args, { ...options, shell: process.platform === 'win32' })
}

function check({ code, signal }) {
  if (signal) throw failure(128 + require('node:os').constants.signals[signal], 'the install was interrupted')
  if (code !== 0) throw failure(69, '`npm ci` failed for the reason above')
}

function failure(exitCode, message) {
  return Object.assign(new Error(message), { exitCode })
}

module.exports = { ensureInstalled }
