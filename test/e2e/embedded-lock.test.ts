import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { identityOf, isAlive, withLock } from '../../src/base/process-lock.cjs'
import { startProcess } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

let root: string
beforeEach(async () => {
  const made = await makeFolder()
  root = made.root
  return made.remove
})

/** A process that counts in `root/count` under the lock, a turn at a time; with `dies` it kills itself in its last turn. */
const counter = (turns: number, { dies = false } = {}) =>
  startProcess(process.execPath, [
    '-e',
    `import { readFileSync, writeFileSync } from 'node:fs'
    import { setImmediate as turn } from 'node:timers/promises'
    import { withLock } from '${import.meta.resolve('../../src/base/process-lock.cjs')}'
    const [root, turns, dies] = process.argv.slice(1)
    for (let i = 1; i <= turns; i++) {
      await withLock(root + '/lock', 60_000, async () => {
        const count = Number(readFileSync(root + '/count', 'utf8'))
        await turn()
        if (dies && i === Number(turns)) process.kill(process.pid, 'SIGKILL')
        writeFileSync(root + '/count', String(count + 1))
      })
    }`,
    '--',
    root,
    String(turns),
    ...(dies ? ['dies'] : []),
  ])

test('one process at a time holds a lock, also while holders are killed', async () => {
  writeFileSync(join(root, 'count'), '0')
  const living = Array.from({ length: 4 }, () => counter(25))
  const dying = Array.from({ length: 4 }, () => counter(5, { dies: true }))
  const ends = await Promise.all(living.map(process => process.ended))
  await Promise.all(dying.map(process => process.ended))
  expect(ends).toEqual(living.map(() => ({ code: 0, signal: null })))
  expect(Number(readFileSync(join(root, 'count'), 'utf8'))).toBe(4 * 25 + 4 * 4)
})

test('a lock leaves nothing behind', async () => {
  expect(await withLock(join(root, 'lock'), 0, () => 'done')).toBe('done')
  expect(readdirSync(root)).toEqual([])
})

test('a lock is released when the work under it fails', async () => {
  const lock = join(root, 'lock')
  await expect(withLock(lock, 0, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
  expect(await withLock(lock, 0, () => 'done')).toBe('done')
})

test('a lock that is held too long names its holder', async () => {
  const lock = join(root, 'lock')
  await withLock(lock, 0, async () => {
    const message = `${lock} has been held by process ${process.pid} for too long`
    await expect(withLock(lock, 0, () => {})).rejects.toMatchObject({ code: 'ELOCKED', message })
  })
})

test.runIf(process.platform === 'linux')('a process that got the pid of a dead one is not taken for it', () => {
  const identity = identityOf(process.pid) ?? ''
  expect(isAlive(identity)).toBe(true)
  expect(isAlive(identity.replace(/:\d+:/, ':1:'))).toBe(false)
})
