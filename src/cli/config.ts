import { describeConfig } from '../base/config.ts'
import type { Family } from './context.ts'

export const configFamily: Family = (program, context) => {
  program
    .command('config')
    .description('Show the effective configuration and where each value comes from; secrets are masked')
    .action(() => {
      context.output.rows(
        describeConfig(context.config()),
        [
          { title: 'SETTING', cell: ({ env }) => env },
          { title: 'VALUE', cell: one => one.value || `(${one.default})`, least: 20 },
          {
            title: 'FROM',
            cell: ({ source, name }) => (source === 'default' ? 'default' : name),
            style: ({ source }) => (source === 'default' ? 'dim' : 'green'),
          },
          { title: 'ALLOWED', cell: ({ form }) => form, least: 12, leaves: 1 },
        ],
        'there are no settings',
      )
    })
}
