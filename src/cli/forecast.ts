import type { LoadForecast } from '../trigger/load-forecast.ts'
import type { CliContext, Family } from './context.ts'
import { utcText } from './instants.ts'
import { wholeNumber } from './option-values.ts'
import { type Column, renderTable } from './table.ts'

interface ForecastOptions {
  readonly from?: string
  readonly to?: string
  readonly worst: number
}

export const forecastFamily: Family = (program, context) => {
  program
    .command('forecast')
    .description('Show how much all triggers will fire, hour by hour, and the worst minutes; times are UTC')
    .option('--from <time>', 'from this time on; default: now')
    .option('--to <time>', 'before this time, at most 31 days later; default: a day later')
    .option('--worst <n>', 'how many of the worst minutes', wholeNumber, 5)
    .action(async ({ from, to, worst }: ForecastOptions) => {
      const { forecastLoad } = await import('../trigger/load-forecast.ts')
      const { instantGiven } = await import('./given-instants.ts')
      const given = (option: string, text: string) => instantGiven({ config: {} }, { option, text })
      const { pool } = await context.connect()
      const found = await forecastLoad(pool, {
        worst,
        ...(from === undefined ? {} : { from: given('--from', from) }),
        ...(to === undefined ? {} : { until: given('--to', to) }),
      })
      context.output.one(found, () => describe(context, found))
    })
}

function describe({ output }: CliContext, { triggers, fires, hours, worst, broken }: LoadForecast): string[] {
  const look = { width: output.width, style: output.style }
  const most = Math.max(...hours.map(hour => hour.fires), 1)
  return [
    `triggers with slots to come: ${triggers}; fires: ${fires}`,
    '',
    ...renderTable(hours, hourColumns(most), look),
    ...(worst.length === 0 ? [] : ['', ...renderTable(worst, minuteColumns, look)]),
    ...broken.map(({ trigger, error }) => output.style('yellow', `not counted: ${trigger}: ${error}`)),
  ]
}

type Hour = LoadForecast['hours'][number]
type Minute = LoadForecast['worst'][number]

const BAR = 40

const hourColumns = (most: number): Column<Hour>[] => [
  { title: 'HOUR', cell: ({ hour }) => utcText(hour) },
  { title: 'FIRES', cell: ({ fires }) => String(fires), align: 'right' },
  { title: 'WORST MINUTE', cell: ({ peak }) => String(peak), align: 'right', leaves: 2 },
  { title: '', cell: ({ fires }) => '█'.repeat(Math.ceil((fires / most) * BAR)), leaves: 1 },
]

/** Triggers a line names at most; --json names them all. */
const NAMED = 3

const minuteColumns: Column<Minute>[] = [
  { title: 'MINUTE', cell: ({ minute }) => utcText(minute) },
  { title: 'FIRES', cell: ({ fires }) => String(fires), align: 'right' },
  { title: 'TRIGGERS', cell: triggersText, least: 20 },
]

function triggersText({ triggers }: Minute): string {
  const named = triggers.slice(0, NAMED).map(({ trigger, fires }) => (fires === 1 ? trigger : `${trigger} ×${fires}`))
  const more = triggers.length - named.length
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
