// What code could do that had broken out of the realm: nothing that reaches outside the process.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sandboxFlags } from '../../src/expression/sandbox-worker.ts'
import { startProcess } from '../support/processes.ts'

const root = new URL('../../', import.meta.url)
const lockDown = new URL('src/expression/lock-down.ts', root)
const readable = [lockDown, new URL('package.json', root)].map(url => fileURLToPath(url))

/** Has every module at hand that an escape could look for, locks itself down, tries, and tells what came of it. */
const PROBE = `
  import fs from 'node:fs'
  import net from 'node:net'
  import dgram from 'node:dgram'
  import { spawn, spawnSync } from 'node:child_process'
  import { Worker } from 'node:worker_threads'
  import { lockDown } from '${lockDown.href}'
  const attempts = {
    'read a file': () => fs.readFileSync('/etc/hosts'),
    'read its own project': () => fs.readFileSync(${JSON.stringify(fileURLToPath(new URL('README.md', root)))}),
    'list a folder': () => fs.readdirSync('/'),
    'write a file': () => fs.writeFileSync('/tmp/mbflow-escape', ''),
    'start a process': () => spawnSync(process.execPath, ['--version']),
    'start a process in the background': () => spawn(process.execPath, ['--version']),
    'start a thread': () => new Worker('1', { eval: true }),
    'load a built-in module': () => import('node:net'),
    'load a file': () => import('data:text/javascript,1'),
    'get a built-in module': () => process.getBuiltinModule('node:net'),
    'bind to native code': () => process.binding('tcp_wrap'),
    'bind to linked code': () => process._linkedBinding('tcp_wrap'),
    'load native code': () => process.dlopen({ exports: {} }, '/lib/x86_64-linux-gnu/libc.so.6'),
    'signal another process': () => process.kill(process.ppid, 0),
    'replace itself': () => process.execve(process.execPath, [process.execPath, '--version'], {}),
    'fetch': () => fetch('http://127.0.0.1:9'),
    'open a web socket': () => new WebSocket('ws://127.0.0.1:9'),
    'evaluate text': () => (0, eval)('1'),
    'make a function of text': () => new Function('return 1')(),
    'make a function by its constructor': () => (() => {}).constructor('return 1')(),
    'reach a prototype': () => { const o = {}; o.__proto__.polluted = 1 },
    'connect': () => new Promise((resolve, reject) => net.connect(9, '127.0.0.1').on('error', reject).on('connect', resolve)),
    'send a datagram': () => new Promise((resolve, reject) => {
      const socket = dgram.createSocket('udp4').on('error', reject)
      socket.send('x', 9, '127.0.0.1', error => error ? reject(error) : resolve())
    }),
  }
  lockDown()
  for (const [name, attempt] of Object.entries(attempts)) {
    let outcome = 'done'
    try { await attempt() } catch (error) { outcome = error.code ?? error.name }
    console.log(name + ': ' + outcome)
  }
  process.exit()
`

const NETWORK = ['connect', 'send a datagram']
const permissionsCoverNetwork = Number(process.versions.node.split('.')[0]) >= 25

test('code that had broken out of the realm could reach neither files, processes, modules nor strings', async () => {
  const probe = startProcess(process.execPath, [...sandboxFlags(readable), '--input-type=module', '-e', PROBE])
  const { code } = await probe.ended
  const outcomes = probe.stdout().trim().split('\n')
  // Without the network permission (Node before 25) the ways to get at these modules are closed instead.
  const relevant = permissionsCoverNetwork
    ? outcomes
    : outcomes.filter(line => !NETWORK.some(name => line.startsWith(`${name}:`)))
  expect({ code, done: relevant.filter(line => line.endsWith(': done')), stderr: probe.stderr() }).toEqual({
    code: 0,
    done: [],
    stderr: '',
  })
  expect(outcomes).toHaveLength(23)
})

for (const [flag, protection] of [
  ['--permission', 'the permission fs.write'],
  ['--disallow-code-generation-from-strings', 'code from strings'],
  ['--disable-proto=delete', '__proto__'],
] as const) {
  test(`without ${flag} the sandbox refuses to run`, async () => {
    const flags = sandboxFlags(readable).filter(
      given => given !== flag && (flag !== '--permission' || !given.startsWith('--allow')),
    )
    const script = `import { lockDown } from '${lockDown.href}'; lockDown(); console.log('unprotected')`
    const unprotected = startProcess(process.execPath, [...flags, '--input-type=module', '-e', script])
    expect(await unprotected.ended).toMatchObject({ code: 1 })
    expect(unprotected.stdout()).toBe('')
    expect(unprotected.stderr()).toMatch(`the sandbox is not protected against ${protection}`)
  })
}

test('a permission given by mistake makes the sandbox refuse to run', async () => {
  const script = `import { lockDown } from '${lockDown.href}'; lockDown()`
  const flags = [...sandboxFlags(readable), '--allow-child-process', '--allow-fs-write=*']
  const open = startProcess(process.execPath, [...flags, '--input-type=module', '-e', script])
  expect(await open.ended).toMatchObject({ code: 1 })
  expect(open.stderr()).toMatch('not protected against the permission fs.write, the permission child')
})
