import { describe, expect, test } from 'vitest'
import type { MbflowError } from '../../../src/base/errors.ts'
import {
  type AppliedMigration,
  compare,
  lineAndColumn,
  readMigrations,
  refuseEdited,
  refuseGap,
  refuseNewer,
  refusePending,
  separateStatements,
} from '../../../src/db/migration.ts'

const files = (...names: string[]): Map<string, string> =>
  new Map(
    names.flatMap(
      name =>
        [
          [`${name}.up.sql`, `up of ${name}`],
          [`${name}.down.sql`, `down of ${name}`],
        ] as const,
    ),
  )

const migrations = readMigrations(files('001_one', '002_two', '003_three'))

function applied(...numbers: number[]): AppliedMigration[] {
  return numbers.map(number => {
    const { name = `00${number}_later`, checksum = 'of another program' } = migrations[number - 1] ?? {}
    return { name, checksum, appliedAt: new Date(0), durationMs: 1 }
  })
}

function thrownBy(work: () => unknown): MbflowError {
  try {
    work()
  } catch (error) {
    return error as MbflowError
  }
  throw new Error('nothing was thrown')
}

describe('reading the files', () => {
  test('migrations are in the order of their numbers', () => {
    expect(readMigrations(files('010_b', '002_c', '001_z')).map(({ name }) => name)).toEqual([
      '001_z',
      '002_c',
      '010_b',
    ])
  })

  test('each has an up and a down', () => {
    const [first] = readMigrations(files('001_one'))
    expect(first).toMatchObject({
      up: { file: '001_one.up.sql', text: 'up of 001_one' },
      down: { text: 'down of 001_one' },
    })
  })

  test('other line ends do not change the checksum', () => {
    const [unix] = readMigrations(
      new Map([
        ['001_a.up.sql', 'a\nb\n'],
        ['001_a.down.sql', ''],
      ]),
    )
    const [windows] = readMigrations(
      new Map([
        ['001_a.up.sql', 'a\r\nb\r\n'],
        ['001_a.down.sql', ''],
      ]),
    )
    expect(windows?.checksum).toBe(unix?.checksum)
  })

  test('the down file does not change the checksum', () => {
    const [before] = readMigrations(
      new Map([
        ['001_a.up.sql', 'a'],
        ['001_a.down.sql', 'b'],
      ]),
    )
    const [after] = readMigrations(
      new Map([
        ['001_a.up.sql', 'a'],
        ['001_a.down.sql', 'c'],
      ]),
    )
    expect(after?.checksum).toBe(before?.checksum)
  })

  test('everything wrong is reported at once', () => {
    const broken = new Map([
      ['001_a.up.sql', ''],
      ['002_b.up.sql', ''],
      ['002_b.down.sql', ''],
      ['002_c.up.sql', ''],
      ['002_c.down.sql', ''],
      ['new.sql', ''],
    ])
    const { code, problems } = thrownBy(() => readMigrations(broken))
    expect(code).toBe('CONFIG_INVALID')
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      '002_c.up.sql has the number of 002_b',
      '002_c.down.sql has the number of 002_b',
      'new.sql is not named like 001_topic.up.sql or 001_topic.down.sql',
      '001_a.down.sql is missing',
    ])
  })

  test('a folder without migrations is refused', () => {
    expect(thrownBy(() => readMigrations(new Map())).problems).toEqual([{ path: '.', message: 'holds no migration' }])
  })
})

describe('comparing files and database', () => {
  const states = (done: AppliedMigration[]): string[] =>
    compare(migrations, done).map(({ name, state }) => `${name} ${state}`)

  test('what was not applied is pending', () => {
    expect(states(applied(1))).toEqual(['001_one applied', '002_two pending', '003_three pending'])
  })

  test('what was applied with another text is edited', () => {
    const [one] = applied(1)
    expect(states(one ? [{ ...one, checksum: 'other' }] : [])[0]).toBe('001_one edited')
  })

  test('what was applied and has no file is unknown', () => {
    expect(states(applied(1, 2, 3, 4)).at(-1)).toBe('004_later unknown')
  })

  test('a database of this program is refused by nothing', () => {
    const statuses = compare(migrations, applied(1, 2, 3))
    for (const refuse of [refuseNewer, refuseEdited, refuseGap, refusePending])
      expect(() => refuse(statuses)).not.toThrow()
  })

  test('a newer database is refused by naming what is unknown', () => {
    const error = thrownBy(() => refuseNewer(compare(migrations, applied(1, 2, 3, 4, 5))))
    expect(error.code).toBe('DATABASE_NEWER')
    expect(error.message).toContain('004_later, 005_later')
    expect(error.hint).toMatch(/upgrade/i)
  })

  test('an edited file is refused by name', () => {
    const edited = applied(1, 2).map(one => ({ ...one, checksum: 'other' }))
    const error = thrownBy(() => refuseEdited(compare(migrations, edited)))
    expect(error.code).toBe('MIGRATION_EDITED')
    expect(error.message).toContain('001_one.up.sql, 002_two.up.sql')
  })

  test('a pending file below an applied one is refused', () => {
    const error = thrownBy(() => refuseGap(compare(migrations, applied(1, 3))))
    expect(error.code).toBe('MIGRATION_ORDER')
    expect(error.message).toBe('002_two would come before 003_three, which is applied')
  })

  test('files pending after the last applied one are no gap', () => {
    expect(() => refuseGap(compare(migrations, applied(1)))).not.toThrow()
    expect(() => refuseGap(compare(migrations, []))).not.toThrow()
  })

  test('a database that lacks migrations is refused with the command that applies them', () => {
    const error = thrownBy(() => refusePending(compare(migrations, applied(1))))
    expect(error).toMatchObject({ code: 'DATABASE_NOT_MIGRATED', hint: 'Run: mbflow migrate up' })
    expect(error.message).toContain('002_two, 003_three')
  })
})

describe('scripts that must not run in a transaction', () => {
  test('only the header opts out', () => {
    expect(separateStatements('create table a ();')).toBeUndefined()
    expect(separateStatements("select '-- mbflow:no-transaction';")).toBeUndefined()
  })

  test('statements end with a semicolon at the end of a line', () => {
    const script =
      "-- mbflow:no-transaction\n-- Why.\ncreate index concurrently a\n  on t (x);\r\nselect ';' as b; -- no end\nselect 1;\n-- the end\n"
    expect(separateStatements(script)?.map(statement => statement.trim())).toEqual([
      '-- mbflow:no-transaction\n-- Why.\ncreate index concurrently a\n  on t (x);',
      "select ';' as b; -- no end\nselect 1;",
    ])
  })
})

test.each([
  ['abc', 1, { line: 1, column: 1 }],
  ['abc\nde', 5, { line: 2, column: 1 }],
  ['-- 🎉…\nselect x', 14, { line: 2, column: 8 }],
])('position of a character: %j, %i', (text, position, place) => {
  expect(lineAndColumn(text, position)).toEqual(place)
})
