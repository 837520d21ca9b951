import { describe, expect, test } from 'vitest'
import { jsonLine, median, quantile, type Recorded, ratios, table } from '../../../bench/report.ts'

const rate: Recorded = { workload: 'single', name: 'rate', unit: '/s', values: [1_000, 3_000, 2_000], load: 0.5 }

describe('a figure', () => {
  test('is the median of its rounds, shown between the least and the most', () => {
    expect(table([rate]).split('\n')[1]).toMatch(/^single\s+rate\s+2,000 {2}\/s\s+1,000–3,000$/)
  })

  test('meets its bar by its median, whatever a single round did', () => {
    const [, reached, short] = table([
      { ...rate, bar: '≥ 2000' },
      { ...rate, bar: '≤ 1999' },
    ]).split('\n')
    expect(reached).toMatch(/≥ 2000 {2}met$/)
    expect(short).toMatch(/≤ 1999 {2}MISSED$/)
  })

  test('is a line of JSON with every round, its bar, and the load of the machine', () => {
    expect(JSON.parse(jsonLine({ ...rate, bar: '≥ 2500' }, '18.4'))).toEqual({
      workload: 'single',
      figure: 'rate',
      unit: '/s',
      median: 2_000,
      min: 1_000,
      max: 3_000,
      values: [1_000, 3_000, 2_000],
      bar: '≥ 2500',
      met: false,
      load: 0.5,
      postgres: '18.4',
    })
  })

  test('stands in its column, however long the names of the others are', () => {
    const [, ...lines] = table([rate, { ...rate, workload: 'a-long-name', name: 'something longer' }])
      .trim()
      .split('\n')
    expect(new Set(lines.map(line => line.indexOf('/s')))).toHaveLength(1)
  })
})

test('a quantile is one of the values', () => {
  const values = [5, 1, 4, 2, 3]
  expect([quantile(values, 0), quantile(values, 0.99), median(values)]).toEqual([1, 5, 3])
})

test('ratios are taken round by round', () => {
  expect(ratios([1, 4], [2, 2])).toEqual([0.5, 2])
})
