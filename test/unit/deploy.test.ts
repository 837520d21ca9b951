// What Dockerfile, deploy/ and docs/deploy.md say about the program and about each other.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/base/config.ts'
import { parseDuration } from '../../src/base/duration.ts'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

const dockerfile = read('Dockerfile')
const unit = read('deploy/systemd/mbflow.service')
const { services } = parse(read('deploy/compose/compose.yaml'))
const imageEnv = Object.fromEntries(
  (/^ENV (.+)$/m.exec(dockerfile)?.[1] ?? '').split(' ').map(entry => entry.split(/=(.*)/s, 2)),
)
const serviceEnv = Object.fromEntries(
  [...read('deploy/systemd/mbflow.env').matchAll(/^(\w+)=(.*)$/gm)].map(m => m.slice(1)),
)

/** The value of a directive of the unit. */
const directive = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

test('the top level includes the compose file that there is', () => {
  const { include } = parse(read('compose.yaml'))
  expect(include).toEqual(['deploy/compose/compose.yaml'])
})

test('`docker compose up -d postgres` makes the database that the documentation names', () => {
  const { environment, image, ports } = services.postgres
  const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name } = environment
  expect(`postgres://${user}:${password}@localhost:5432/${name}`).toBe(
    'postgres://mbflow:mbflow123@localhost:5432/mbflow',
  )
  expect([image, ports]).toEqual(['postgres:17-alpine', ['127.0.0.1:5432:5432']])
})

test.each([
  ['the image and compose', { ...imageEnv, ...services.mbflow.environment }],
  ['the service', serviceEnv],
])('what %s set are settings', (_, env) => {
  expect(loadConfig(env)).toMatchObject({ databaseUrl: expect.stringContaining('mbflow:mbflow123@') })
})

test.each([
  ['compose', services.mbflow.stop_grace_period],
  ['systemd', `${directive('TimeoutStopSec')}s`],
])('%s gives a stop more time than a drain may take', (_, patience) => {
  expect(parseDuration(patience)).toBeGreaterThan(loadConfig({}).drainTimeout)
})

test('the image gets what the build can see, and nothing else is copied', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '))
  const visible = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path)
  expect(new Set(copied)).toEqual(new Set(visible))
})

test('the service starts a program of this folder', () => {
  const [program = '', command] = directive('ExecStart')?.replace('/opt/mbflow/', '').split(' ') ?? []
  expect([existsSync(new URL(program, ROOT)), command]).toEqual([true, 'start'])
})
