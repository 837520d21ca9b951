// The child process in which expressions are evaluated, one after the other. Started by `sandbox-worker` with the flags of
// `sandboxFlags`, the path of jsonata and its limits; a line `<ms> <request>` on stdin gets a line on stdout.
//
// 1. It reads, evaluates and writes synchronously (jsonata's promises are microtasks), so its event loop never turns:
//    nothing asynchronous, a socket for instance, could make progress even if an expression got hold of it.
// 2. It ends when stdin does. What jsonata cannot stop itself is interrupted by V8 after <ms> (0 = it can), which needs
//    nobody's help, so no orphan outlives its parent; an interrupted realm is not used again.
import { readFileSync, readSync, writeSync } from 'node:fs'
import { constants, createContext, Script } from 'node:vm'
import { lockDown } from './lock-down.ts'
import { type RealmAnswer, type RealmFailure, type RealmLimits, realmPrelude, realmSource } from './sandbox-realm.ts'

/** What is written for a request; `last`: this process takes no more. */
export interface ProcessAnswer extends RealmAnswer {
  readonly last?: boolean
}

interface Realm {
  request: string
  response: string
}

function createRealm(jsonataSource: string, limits: RealmLimits): Realm {
  const realm = createContext(constants.DONT_CONTEXTIFY, {
    // Microtasks run within the time limit of the script that queued them.
    microtaskMode: 'afterEvaluate',
    codeGeneration: { strings: false, wasm: false },
  })
  for (const source of [realmPrelude, jsonataSource, realmSource(limits)]) new Script(source).runInContext(realm)
  return realm as unknown as Realm
}

function* lines(): Generator<string> {
  const chunk = Buffer.allocUnsafe(64 * 1024)
  let parts: Buffer[] = []
  for (let length = read(chunk); length > 0; length = read(chunk)) {
    const part = Buffer.from(chunk.subarray(0, length))
    parts.push(part)
    if (part.at(-1) !== 0x0a) continue // one request at a time: a line ends where a part does
    yield Buffer.concat(parts).toString('utf8')
    parts = []
  }
}

function read(chunk: Buffer): number {
  try {
    return readSync(0, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EOF') return 0 // how Windows says it
    throw error
  }
}

function write(line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written)
}

function failed(code: RealmFailure['code'], message: string, last: boolean): string {
  return JSON.stringify({ error: { code, message }, last } satisfies ProcessAnswer)
}

function tooLarge(size: number, most: number): string {
  return `the result is ${size} bytes of JSON, at most ${most} are allowed`
}

function main([jsonataPath = '', settings = '']: readonly string[]): void {
  // A Ctrl-C, or a service manager, signals the whole group: the parent decides when the work is over.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const limits: RealmLimits = JSON.parse(settings)
  const realm = createRealm(readFileSync(jsonataPath, 'utf8'), limits)
  const step = new Script('step()')
  lockDown()
  write('ready')

  for (const line of lines()) {
    const space = line.indexOf(' ')
    const timeout = Number(line.slice(0, space))
    realm.request = line.slice(space + 1)
    try {
      step.runInContext(realm as never, timeout === 0 ? {} : { timeout })
    } catch {
      return write(failed('EXPRESSION_TIMEOUT', `the expression was interrupted after ${timeout} ms`, true))
    }
    const size = Buffer.byteLength(realm.response) - '{"value":}'.length
    write(size <= limits.output ? realm.response : failed('EXPRESSION_TOO_LARGE', tooLarge(size, limits.output), false))
  }
}

main(process.argv.slice(2))
