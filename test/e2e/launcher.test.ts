import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { identityOf } from '../../src/base/process-lock.cjs'
import { type Running, startProcess } from '../support/processes.ts'
import { addPackagedNode, makeProject, type Project } from './launcher-project.ts'

interface Report {
  readonly args: readonly string[]
  readonly pid: number
  readonly parent: number
  readonly execPath: string
  readonly node: string
  readonly ours: readonly string[]
}

const reportOf = async (running: Running): Promise<Report> => JSON.parse(await running.line(/^\{/)) as Report
const countOf = (running: Running, line: string): number => running.stdout().split(line).length - 1

let project: Project
beforeEach(() => {
  project = makeProject()
})

test('`migrate ARGS` is `mbflow migrate ARGS`', async () => {
  const { args } = await reportOf(project.run('migrate', ['-command', 'up']))
  expect(args).toEqual(['migrate', '-command', 'up'])
})

test('a Node that is new enough runs the program itself', async () => {
  const running = project.run('mbflow', ['stay'])
  expect((await reportOf(running)).pid).toBe(running.pid)
})

test('an older Node starts the packaged one, and nothing of that shows in the environment', async () => {
  addPackagedNode(project)
  const running = project.run('mbflow', ['stay'], { OLD_NODE: '20.19.0' })
  expect(await reportOf(running)).toMatchObject({ parent: running.pid, ours: [] })
})

test('an older Node without a packaged one says which it needs', async () => {
  const running = project.run('mbflow', [], { OLD_NODE: '20.19.0' })
  expect(await running.ended).toEqual({ code: 78, signal: null })
  expect(running.stderr()).toMatch(/^mbflow: it needs Node 22\.22 or newer, and this is .*npm ci --include=optional/)
})

test('a Node too old to install anything says which it needs', async () => {
  const running = project.run('mbflow', [], { OLD_NODE: '18.20.0' })
  expect(await running.ended).toEqual({ code: 78, signal: null })
  expect(running.stderr()).toMatch(/^mbflow: it needs Node 20\.0 or newer/)
})

describe.each([
  ['in the same process', {}],
  ['by the packaged Node', { OLD_NODE: '20.19.0' }],
])('run %s, the program', (_, env: Record<string, string>) => {
  beforeEach(() => addPackagedNode(project))
  const start = (...args: string[]): Running => project.run('mbflow', args, env)

  test('gives the launcher its exit code', async () => {
    expect(await start('exit', '7').ended).toEqual({ code: 7, signal: null })
  })

  test('ends the launcher by the signal that ended it', async () => {
    expect(await start('die').ended).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('finds its own Node first on the PATH', async () => {
    const { execPath, node } = await reportOf(start('stay'))
    expect(dirname(node)).toBe(dirname(execPath))
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('gets a %s that the launcher gets', async signal => {
    const running = start('stay')
    await running.line(/^staying/)
    running.send(signal)
    await running.line(new RegExp(`^got ${signal}`))
  })

  test('gets a signal once when it comes from everywhere at once, and again when it is meant again', async () => {
    const running = start('stay')
    const { pid } = await reportOf(running)
    await running.line(/^staying/)
    for (let i = 0; i < 3; i++) {
      running.send('SIGINT')
      process.kill(pid, 'SIGINT')
    }
    await running.line(/^got SIGINT/)
    running.send('SIGHUP')
    await running.line(/^got SIGHUP/)
    expect(countOf(running, 'got SIGINT')).toBe(1)

    const again = (): number => {
      running.send('SIGINT')
      return countOf(running, 'got SIGINT')
    }
    await expect.poll(again, { interval: 100, timeout: 5_000 }).toBe(2)
  })

  // `script` gives it a terminal. npm passes on to its child what the terminal has sent there already; its spinner would
  // stand in our lines.
  test.runIf(existsSync('/usr/bin/script')).each(['node bin/mbflow stay', 'npm start'])(
    'gets one SIGINT for one Ctrl-C in a terminal that runs `%s`',
    async command => {
      const keys = join(project.root, 'keys')
      execFileSync('mkfifo', [keys])
      const terminal = startProcess('/bin/sh', ['-c', 'exec script -qefc "$0" /dev/null < keys', command], {
        cwd: project.root,
        env: { NODE_OPTIONS: `--require ${project.root}/old-node.cjs`, npm_config_progress: 'false', ...env },
      })
      const keyboard = await open(keys, 'w')
      const { pid } = await reportOf(terminal)
      await terminal.line(/^staying/)
      await keyboard.write('\x03')
      await terminal.line(/got SIGINT/)
      process.kill(pid, 'SIGTERM')
      await terminal.ended
      await keyboard.close()
      expect(countOf(terminal, 'got SIGINT')).toBe(1)
    },
  )
})

test('an npm start that is told to stop waits for the program, which has stopped then', async () => {
  addPackagedNode(project)
  const npm = startProcess('npm', ['start'], { cwd: project.root })
  const { pid } = await reportOf(npm)
  await npm.line(/^staying/)
  await npm.stop('SIGTERM')
  expect(npm.stdout()).toContain('got SIGTERM')
  expect(identityOf(pid)).toBeUndefined()
})

test('a program whose launcher is killed is told to stop', async () => {
  addPackagedNode(project)
  const running = project.run('mbflow', ['stay'], { OLD_NODE: '20.19.0' })
  await running.line(/^staying/)
  running.send('SIGKILL')
  await running.line(/^got SIGTERM/)
})
