import { describe, expect, test } from 'vitest'
import { type ErrorCode, MbflowError } from '../../../src/base/errors.ts'
import { databaseAddress, explainDatabaseError, isLocal } from '../../../src/db/errors.ts'

const url = 'postgres://ann:s3cr%40t@db.example.com:6543/flows'

const withCode = (code: string, message = 'what the server said'): Error => Object.assign(new Error(message), { code })

describe('explaining', () => {
  test.each<[string, ErrorCode, number | string]>([
    ['ECONNREFUSED', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['ECONNRESET', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['ENOTFOUND', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['EAI_AGAIN', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['ETIMEDOUT', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['57P01', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['57P03', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['08006', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['25006', 'DATABASE_UNAVAILABLE', 'unavailable'],
    ['28P01', 'DATABASE_AUTH', 'config'],
    ['28000', 'DATABASE_AUTH', 'config'],
    ['3D000', 'DATABASE_AUTH', 'config'],
    ['42501', 'DATABASE_PRIVILEGE', 'config'],
    ['42P01', 'DATABASE_NOT_MIGRATED', 'config'],
    ['53100', 'DISK_FULL', 'unavailable'],
    ['53200', 'DATABASE_BUSY', 'busy'],
    ['53300', 'DATABASE_BUSY', 'busy'],
    ['55P03', 'DATABASE_BUSY', 'busy'],
    ['57014', 'DATABASE_BUSY', 'busy'],
    ['40P01', 'DATABASE_BUSY', 'busy'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'CONFIG_INVALID', 'config'],
    ['22012', 'INTERNAL', 'internal'],
  ])('%s is %s', (code, expected, kind) => {
    expect(explainDatabaseError(withCode(code), url)).toMatchObject({ code: expected, kind })
  })

  test.each<[string, ErrorCode]>([
    ['timeout expired', 'DATABASE_UNAVAILABLE'],
    ['Connection terminated unexpectedly', 'DATABASE_UNAVAILABLE'],
    ['The server does not support SSL connections', 'CONFIG_INVALID'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'DATABASE_AUTH'],
  ])('"%s" of the driver is %s', (message, code) => {
    expect(explainDatabaseError(new Error(message), url).code).toBe(code)
  })

  test('a Unix socket that is not there is unavailable', () => {
    const missing = withCode('ENOENT', 'connect ENOENT /var/run/postgresql/.s.PGSQL.5432')
    expect(explainDatabaseError(missing, url).code).toBe('DATABASE_UNAVAILABLE')
  })

  test.each([
    withCode('ENOENT', "ENOENT: no such file or directory, open 'flow.yaml'"),
    withCode('22012', 'division by zero after a timeout'),
    new Error('the request ran into its timeout'),
  ])('%s is not taken for an unreachable database', error => {
    expect(explainDatabaseError(error, url)).toMatchObject({ code: 'INTERNAL', message: error.message })
  })

  test('the message says where and what, on one line, and never the password', () => {
    const { message } = explainDatabaseError(withCode('28P01', 'password authentication\nfailed'), url)
    expect(message).toBe(
      'PostgreSQL at db.example.com:6543 (database "flows", user "ann") refused the login: password authentication failed',
    )
  })

  test('a name with several addresses is explained by all of them', () => {
    const attempts = [withCode('ECONNREFUSED', 'no ::1'), withCode('ECONNREFUSED', 'no 127.0.0.1')]
    const refused = Object.assign(new AggregateError(attempts, 'both'), { message: '' })
    expect(explainDatabaseError(refused, url)).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(explainDatabaseError(refused, url).message).toContain('no ::1; no 127.0.0.1')
  })

  test('every explanation has a hint', () => {
    for (const code of ['ECONNREFUSED', '28P01', '3D000', '42501', '42P01', '53100', '53300', '55P03', '57P01']) {
      expect(explainDatabaseError(withCode(code), url).hint, code).toMatch(/\w{3}/)
    }
  })

  test('a missing database comes with the command that makes it', () => {
    expect(explainDatabaseError(withCode('3D000'), url).hint).toBe(
      'Create it: createdb -h db.example.com -p 6543 -U ann flows',
    )
  })

  test('an error of ours passes unchanged', () => {
    const own = new MbflowError('MIGRATION_EDITED', 'x')
    expect(explainDatabaseError(own, url)).toBe(own)
  })
})

describe('addresses', () => {
  test('are what the driver makes of the URL', () => {
    expect(databaseAddress(url)).toEqual({ host: 'db.example.com', port: 6543, database: 'flows', user: 'ann' })
  })

  test.each([
    'postgres://ann@localhost/flows?host=/var/run/postgresql',
    'postgres://ann:secret@%2Fvar%2Frun%2Fpostgresql/flows',
    'postgres://ann:secret@%2Fvar%2Frun%2Fpostgresql:5432/flows',
  ])('of a Unix socket are its folder: %s', url => {
    const socket = { host: '/var/run/postgresql', port: 5432, database: 'flows', user: 'ann' }
    expect(databaseAddress(url)).toEqual(socket)
  })

  test.each([
    'localhost:5432/flows',
    'mysql://ann:s3cr@t@db/flows',
    'postgres://ann:s3cr#t@db:port/flows',
    'postgres://ann:s3cr%40t@db/flows?sslrootcert=/nowhere/s3cr.pem',
  ])('of %s are refused without showing it', malformed => {
    try {
      databaseAddress(malformed)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      const { message, hint, cause } = error as MbflowError
      expect(`${message} ${hint} ${String(cause)}`).not.toContain('s3cr')
    }
  })

  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['/var/run/postgresql', true],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['10.0.0.7', false],
  ])('%s is on this machine: %s', (host, local) => {
    expect(isLocal({ host, port: 5432, database: 'flows', user: 'ann' })).toBe(local)
  })
})
