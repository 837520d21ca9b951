// What a sandbox process gives up before the first expression. Its flags already take away files, processes, threads,
// add-ons and, from Node 25 on, the network (`sandboxFlags`); this closes the ways they leave open and refuses to run
// without them. All of it is the second wall: the first is the realm, from which none of this can be reached.
import { registerHooks } from 'node:module'

/** Ways to other modules, native code and other processes. */
const OF_PROCESS = [
  '_debugProcess',
  '_kill',
  '_linkedBinding',
  'binding',
  'dlopen',
  'execve',
  'getBuiltinModule',
  'kill',
  'mainModule',
]
/** Ways to the network that need no module. */
const OF_GLOBAL = ['EventSource', 'WebSocket', 'fetch']

/** Throws when a protection the flags should give is missing. */
export function lockDown(): void {
  const open = missingProtections()
  if (open.length > 0) throw new Error(`the sandbox is not protected against ${open.join(', ')}`)
  registerHooks({ resolve: refuse, load: refuse })
  for (const name of OF_PROCESS) Reflect.deleteProperty(process, name)
  for (const name of OF_GLOBAL) Reflect.deleteProperty(globalThis, name)
}

function refuse(): never {
  throw new Error('the sandbox loads no modules')
}

function missingProtections(): string[] {
  const granted = ['fs.write', 'child', 'worker', 'addon', 'wasi'].filter(
    scope => process.permission?.has(scope) !== false,
  )
  const open = granted.map(scope => `the permission ${scope}`)
  if (compilesStrings()) open.push('code from strings')
  if ('__proto__' in {}) open.push('__proto__')
  return open
}

function compilesStrings(): boolean {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
}
