// A small checkout with the real launcher in front of a program that tells what reaches it.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Running, type StartOptions, startProcess } from '../support/processes.ts'

const HOUSE = new URL('../../', import.meta.url).pathname

/** `exit N` ends with N, `die` by SIGKILL; `stay` says which signals come and ends with SIGTERM. */
const PROGRAM = `
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'

export async function main(args: readonly string[]): Promise<void> {
  const node: string = spawnSync('node', ['-p', 'process.execPath'], { encoding: 'utf8' }).stdout.trim()
  const ours = Object.keys(process.env).filter(name => name.startsWith('MBFLOW_'))
  console.log(JSON.stringify({ args, pid: process.pid, parent: process.ppid, execPath: process.execPath, node, ours }))
  if (args[0] === 'exit') process.exitCode = Number(args[1])
  if (args[0] === 'die') process.kill(process.pid, 'SIGKILL')
  if (args[0] !== 'stay') return
  const staying = createServer().listen(0)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => console.log('got', signal))
  process.on('SIGTERM', () => staying.close())
  console.log('staying')
}`

/** A Node that says it is old, until the launcher has started the program with it. */
const OLD_NODE = `
const { OLD_NODE: node, MBFLOW_LIFELINE: lifeline } = process.env
if (node && !lifeline) Object.defineProperty(process, 'versions', { value: { ...process.versions, node } })`

/** Installs by saying so, and by writing down what it was called with. */
const NPM = `
import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs'
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
if (process.env.NPM_FAILS) { console.error('npm error: no network'); process.exit(1) }
mkdirSync('node_modules', { recursive: true })
copyFileSync('package-lock.json', 'node_modules/.package-lock.json')`

export interface Project {
  readonly root: string
  write(file: string, content: unknown): void
  /** A program of `bin/`, by this Node. */
  run(program: string, args: readonly string[], env?: StartOptions['env']): Running
}

export function makeProject(): Project {
  const root = mkdtempSync(join(tmpdir(), 'mbflow-launcher-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write: Project['write'] = (file, content) => {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), typeof content === 'string' ? content : JSON.stringify(content))
  }
  cpSync(join(HOUSE, 'bin'), join(root, 'bin'), { recursive: true })
  cpSync(join(HOUSE, 'src/base/process-lock.cjs'), join(root, 'src/base/process-lock.cjs'))
  const { scripts } = JSON.parse(readFileSync(join(HOUSE, 'package.json'), 'utf8')) as { scripts: { start: string } }
  write('package.json', {
    name: 'small',
    type: 'module',
    scripts: { start: scripts.start.replace(/ start .*/, ' stay') },
  })
  write('src/cli/main.ts', PROGRAM)
  write('old-node.cjs', OLD_NODE)
  write('npm-cli.js', NPM)
  return {
    root,
    write,
    run: (program, args, env) =>
      startProcess(process.execPath, ['--require', join(root, 'old-node.cjs'), join(root, 'bin', program), ...args], {
        cwd: root,
        env: { npm_execpath: join(root, 'npm-cli.js'), ...env },
      }),
  }
}

/** The package of a newer Node, which is this one. */
export function addPackagedNode({ root, write }: Project): void {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  write(`node_modules/${name}/package.json`, { name, version: '26.0.0', bin: { node: 'node' } })
  symlinkSync(process.execPath, join(root, 'node_modules', name, 'node'))
}
