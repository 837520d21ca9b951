// Settings as options of commands: their names and descriptions come from the table of settings.
import type { Command } from 'commander'
import type { Flags } from '../base/config.ts'
import { defaultOf, flagOf, type Setting, type SettingKey, settingKeys, settings } from '../base/settings.ts'

/** What every command takes. */
export const commonSettings = ['databaseUrl', 'dataDir', 'logLevel'] as const satisfies SettingKey[]

/** What only a daemon has a use for. */
export const daemonSettings = settingKeys.filter(key => !commonSettings.some(common => common === key))

/** What decides which documents are valid. */
export const documentSettings = ['plugin'] as const satisfies SettingKey[]

/** Lets a command take these settings as flags. */
export function addSettingOptions(command: Command, keys: readonly SettingKey[]): Command {
  for (const key of keys) {
    const setting: Setting<unknown> = settings[key]
    const { env, kind, doc } = setting
    const flag = flagOf(key)
    if (flag === null) continue
    const allowed = kind.name === 'word' || kind.name === 'list' ? `: ${kind.form}` : ''
    const description = `${doc.replace(/\.$/, '')}${allowed} (env: ${env}, default: ${defaultOf(setting)})`
    if (kind.name === 'list') command.option(`${flag} <list>`, description, addToList)
    else command.option(`${flag} <${kind.name}>`, description)
  }
  return command
}

/** A list may also be given item by item. */
function addToList(item: string, list: string | undefined): string {
  return list === undefined ? item : `${list},${item}`
}

/** Of everything a command line said, what are settings. */
export function pickFlags(options: Readonly<Record<string, unknown>>): Flags {
  return Object.fromEntries(settingKeys.flatMap(key => (typeof options[key] === 'string' ? [[key, options[key]]] : [])))
}
