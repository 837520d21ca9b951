import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaultOf, flagOf, type Setting, settingKeys, settings } from '../../../src/base/settings.ts'

const lines = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8').split('\n')
const rows = lines.filter(line => line.startsWith('| `'))

test('docs/config.md lists every setting, in order, as it is, and no other', () => {
  expect(rows).toEqual(
    settingKeys.map(key => {
      const setting: Setting<unknown> = settings[key]
      const fallback = 'text' in setting.fallback && setting.fallback.text !== ''
      const shown = fallback ? `\`${defaultOf(setting)}\`` : defaultOf(setting)
      const cells = [
        `\`${setting.env}\``,
        flagOf(key) === null ? '–' : `\`${flagOf(key)}\``,
        setting.kind.form.replaceAll(' | ', ', '),
        shown,
        setting.doc,
      ]
      return `| ${cells.join(' | ')} |`
    }),
  )
})
