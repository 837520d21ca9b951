import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { Running } from '../support/processes.ts'
import { makeProject, type Project } from './launcher-project.ts'

let project: Project
beforeEach(() => {
  project = makeProject()
})

const start = (env?: Record<string, string>): Running => project.run('mbflow', ['exit', '0'], env)

/** How npm was called. */
function calls(): string[] {
  const file = join(project.root, 'calls')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

const packages = {
  '': { name: 'small', version: '1.0.0' },
  'node_modules/needed': { version: '1.0.0' },
  'node_modules/elsewhere': { version: '1.0.0', optional: true },
  'node_modules/tool': { version: '1.0.0', dev: true },
}
const lock = (entries: object): void => project.write('package-lock.json', { packages: entries })
const installed = (entries: object): void => project.write('node_modules/.package-lock.json', { packages: entries })

test('a fresh clone is installed from its lock, without scripts and with everything, and says so once', async () => {
  lock(packages)
  const running = start()
  expect(await running.ended).toEqual({ code: 0, signal: null })
  expect(running.stderr()).toMatch(/^mbflow: installing .*\n$/)
  expect(calls()).toEqual([expect.stringMatching(/^ci --include=dev --include=optional --ignore-scripts /)])
})

test('what is installed is not installed again', async () => {
  lock(packages)
  await start().ended
  const running = start()
  await running.ended
  expect(running.stderr()).toBe('')
  expect(calls()).toHaveLength(1)
})

test('an installation from another lock is brought up to this one', async () => {
  lock(packages)
  installed({ ...packages, 'node_modules/needed': { version: '0.9.0' } })
  await start().ended
  expect(calls()).toHaveLength(1)
})

test('processes that start at once on a fresh clone install once', async () => {
  lock(packages)
  const ends = await Promise.all([start().ended, start().ended, start().ended])
  expect(ends.map(end => end.code)).toEqual([0, 0, 0])
  expect(calls()).toHaveLength(1)
})

test('an installation without development and optional packages is complete for the program', async () => {
  const { 'node_modules/tool': _tool, 'node_modules/elsewhere': _elsewhere, ...production } = packages
  lock(packages)
  installed(production)
  expect(await start().ended).toEqual({ code: 0, signal: null })
  expect(calls()).toEqual([])
})

test('an installation without development packages is not complete for a tool', async () => {
  const { 'node_modules/tool': _tool, ...production } = packages
  lock(packages)
  installed(production)
  project.write('tool.mjs', `console.log('tool', process.argv.slice(2))`)
  await project.run('run.cjs', ['tool.mjs', 'run', '--fast']).line(/^tool \[ 'run', '--fast' \]/)
  expect(calls()).toHaveLength(1)
})

test('nothing is installed where there is no lock', async () => {
  expect(await start().ended).toEqual({ code: 0, signal: null })
  expect(calls()).toEqual([])
})

test('an install that fails ends the launch with the words of npm', async () => {
  lock(packages)
  const running = start({ NPM_FAILS: 'yes' })
  expect(await running.ended).toEqual({ code: 69, signal: null })
  expect(running.stderr()).toMatch(/npm error: no network\nmbflow: `npm ci` failed/)
})
