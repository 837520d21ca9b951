import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addSettingOptions, pickFlags } from '../../../src/cli/settings.ts'

function flagsOf(...args: string[]) {
  const command = addSettingOptions(new Command(), ['plugin', 'port'])
  return pickFlags(command.parse(args, { from: 'user' }).opts())
}

test('a flag that takes a list may be given item by item', () => {
  expect(flagsOf('--plugin', 'a.ts', '--plugin', 'b.ts,c.ts')).toEqual({ plugin: 'a.ts,b.ts,c.ts' })
})

test('of a flag that takes one value the last counts', () => {
  expect(flagsOf('--port', '1', '--port', '2')).toEqual({ port: '2' })
})
