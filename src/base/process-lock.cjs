// Which processes live, and a lock file that dies with its holder. JavaScript, because the launcher takes this lock
// around the install, when there may be no Node yet that runs TypeScript; the types are in process-lock.d.cts.
// 1. A process is known by its pid and its start, so one that got the pid of a dead one is not taken for it.
// 2. A lock file appears whole (linked, never written in place), and only its holder removes it, or, once the holder is
//    dead, whoever holds the lock on removing it: of two that find it dead at once, neither removes the lock of a third.
'use strict'
const crypto = require('node:crypto')
const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const POLL_MS = 20

function identityOf(pid) {
  const start = startOf(pid)
  return start === undefined ? undefined : `${pid}:${start}`
}

function isAlive(identity) {
  const pid = Number.parseInt(identity, 10)
  const start = startOf(pid)
  return start === '' || (start !== undefined && identity === `${pid}:${start}`)
}

/** When a process started, '' where the system does not say; undefined for one that is dead or only waits to be reaped. */
function startOf(pid) {
  if (!(pid > 0)) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code === 'ESRCH') return undefined // EPERM: somebody else's, alive
  }
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return `${fields[19]}:${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}` // counted from the boot
}

async function withLock(file, patienceMs, work) {
  await take(file, Date.now() + patienceMs)
  try {
    return await work()
  } finally {
    remove(file)
  }
}

async function take(file, deadline) {
  const token = crypto.randomBytes(6).toString('hex')
  for (;;) {
    const holder = read(file)
    if (holder === undefined) {
      if (create(file, token)) return
    } else if (!isAlive(holder.split('/')[0])) {
      await bury(file, holder, deadline)
    } else if (Date.now() < deadline) {
      await sleep(POLL_MS)
    } else {
      const error = new Error(`${file} has been held by process ${Number.parseInt(holder, 10)} for too long`)
      throw Object.assign(error, { code: 'ELOCKED' })
    }
  }
}

function create(file, token) {
  const draft = `${file}.${token}.new`
  fs.writeFileSync(draft, `${identityOf(process.pid)}/${token}`, { flag: 'wx' })
  try {
    fs.linkSync(draft, file)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    fs.unlinkSync(draft)
  }
}

/** Removes the lock of a dead holder, unless another has done so and the file is a new holder's. */
async function bury(file, holder, deadline) {
  const grave = `${file}.${holder.split('/')[1]}`
  await take(grave, deadline)
  if (read(file) === holder) remove(file)
  remove(grave)
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined
    throw error
  }
}

/** A lock whose folder was removed meanwhile is released too. */
function remove(file) {
  fs.rmSync(file, { force: true })
}

module.exports = { identityOf, isAlive, withLock }
