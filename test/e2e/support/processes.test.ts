import { expect, test } from 'vitest'
import { startProcess } from '../../support/processes.ts'

const script = (source: string) => startProcess(process.execPath, ['--eval', source])

/** Signal 0 asks whether a process is there. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a line is found once it is whole, on either stream', async () => {
  const running = script(
    "process.stdout.write('ready'); process.stderr.write('on 1\\n'); process.stdin.resume(); setInterval(() => {}, 1e6)",
  )
  expect(await running.line(/^on \d/)).toBe('on 1')
  await expect(running.line(/ready/, 50)).rejects.toThrow('50 ms passed without a line like /ready/; it said:\nready')
})

test('a process that ends without the line says what it said', async () => {
  const running = script("console.log('no'); process.exit(3)")
  await expect(running.line(/yes/)).rejects.toThrow('it ended (3) without a line like /yes/; it said:\nno')
})

test('a command that does not exist ends with its reason', async () => {
  const running = startProcess('/does/not/exist', [])
  await running.ended
  expect(running.stderr()).toContain('ENOENT')
})

test('stopping waits for the end and gives the signal', async () => {
  const running = script("console.log('up'); setInterval(() => {}, 1e6)")
  await running.line(/up/)
  expect(await running.stop('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' })
})

test('only the named environment reaches a process', async () => {
  const running = startProcess(process.execPath, ['--print', 'Object.keys(process.env).sort().join()'], {
    env: { A: '1' },
  })
  await running.ended
  expect(running.stdout().trim()).toBe('A,HOME,PATH,TMPDIR')
})

let left = 0
test('a process left behind …', async () => {
  const running = script("process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)")
  await running.line(/up/)
  left = running.pid
  expect(isRunning(left)).toBe(true)
})

test('… is gone when its test ends', () => {
  expect(isRunning(left)).toBe(false)
})
