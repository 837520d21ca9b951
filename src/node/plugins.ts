// Loads plug-ins: modules outside of MBFlow that export node types. Their code runs in the daemon, with its rights.
// Invariants: (1) whatever is wrong with any of them, none is used: the command that named it ends with PLUGIN_INVALID; (2)
// a plug-in imports `mbflow/plugin` wherever it lies, and gets that of the program that loads it.
import { stat } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { excerpt, MbflowError, messageOf, systemCode } from '../base/errors.ts'
import type { NodeType } from './node-type.ts'
import { isCandidate, type PluginProblem, pluginProblem } from './plugin-check.ts'
import { nodeTypes } from './registry.ts'

const ENTRY = 'mbflow/plugin'
const LONGEST_MESSAGE = 300

/** The node types there are, with those of these files, whose paths are relative to the working directory. Throws PLUGIN_INVALID. */
export async function withPlugins(files: readonly string[]): Promise<ReadonlyMap<string, NodeType>> {
  if (files.length === 0) return nodeTypes
  provideEntry()
  const all = new Map(nodeTypes)
  const owners = new Map<string, string>()
  for (const file of files) {
    for (const nodeType of await loadPlugin(file)) {
      const owner = owners.get(nodeType.type)
      if (owner !== undefined)
        throw invalid(file, {
          message: `"${nodeType.type}" is in ${owner} already`,
          hint: 'name each node type and each plug-in once',
        })
      owners.set(nodeType.type, file)
      all.set(nodeType.type, nodeType)
    }
  }
  return all
}

async function loadPlugin(file: string): Promise<NodeType[]> {
  const exported = new Set(Object.values(await importModule(file)))
  const candidates = [...exported].filter(isCandidate)
  if (candidates.length === 0) {
    const hint = "write: import { defineNodeType } from 'mbflow/plugin'; export const mine = defineNodeType({ … })"
    throw invalid(file, { message: 'it exports no node type', hint })
  }
  for (const candidate of candidates) {
    const problem = pluginProblem(candidate)
    if (problem !== undefined) throw invalid(file, problem)
  }
  return candidates as NodeType[]
}

async function importModule(file: string): Promise<object> {
  const path = resolve(file)
  const found = await stat(path).catch((error: unknown) => {
    const missing = systemCode(error) === 'ENOENT'
    const message = missing ? 'there is no such file' : `it cannot be read: ${messageOf(error)}`
    throw invalid(file, { message, hint: `looked for ${path}` })
  })
  if (found.isDirectory())
    throw invalid(file, { message: 'it is a folder', hint: 'name the file that exports the node types' })
  try {
    return (await import(pathToFileURL(path).href)) as object
  } catch (error) {
    const hint = 'it is loaded by Node as it is: an ES module, in TypeScript whose types can be erased, or JavaScript'
    throw invalid(file, { message: `it cannot be loaded: ${excerpt(messageOf(error), LONGEST_MESSAGE)}`, hint }, error)
  }
}

let isProvided = false

function provideEntry(): void {
  if (isProvided) return
  isProvided = true
  const url = new URL('../plugin.ts', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === ENTRY ? { url, format: 'module-typescript', shortCircuit: true } : next(specifier, context),
  })
}

function invalid(file: string, { message, hint }: PluginProblem, cause?: unknown): MbflowError {
  return new MbflowError('PLUGIN_INVALID', `the plug-in ${file}: ${message}`, { hint, cause })
}
