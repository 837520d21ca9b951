// What a page names is there: files, headings, commands.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { anchorsOf, ROOT, readPage, readPages } from './pages.ts'

const pages = readPages()

test('every link leads to a file, and to a heading where it names one', () => {
  const broken = pages.flatMap(({ path, links }) =>
    links
      .filter(({ text }) => !/^(https?|mailto):/.test(text))
      .filter(({ text }) => {
        const [file = '', anchor] = text.split('#')
        const target = file === '' ? path : posix.join(posix.dirname(path), file)
        if (!existsSync(`${ROOT}${target}`)) return true
        return anchor !== undefined && !anchorsOf(readPage(target)).includes(anchor)
      })
      .map(({ at, text }) => `${at} ${text}`),
  )
  expect(broken).toEqual([])
})

test('every file and folder that a page names exists', () => {
  const folders = [ROOT, `${ROOT}src/`].flatMap(folder => readdirSync(folder).map(name => `${folder}${name}`))
  const isOurs = (path: string): boolean =>
    /^[\w.*-]+(\/[\w.*{},-]+)*\/?$/.test(path) &&
    path.includes('/') &&
    folders.some(folder => folder === `${ROOT}${path.split('/')[0]}` || folder === `${ROOT}src/${path.split('/')[0]}`)
  const missing = pages.flatMap(({ code }) =>
    code
      .filter(({ text }) => isOurs(text))
      .filter(({ text }) => [text, `src/${text}`].every(path => globSync(path, { cwd: ROOT }).length === 0))
      .map(({ at, text }) => `${at} ${text}`),
  )
  expect(missing).toEqual([])
})

test('every decision has a number of its own, in its name and its title', () => {
  const names = readdirSync(`${ROOT}docs/decisions`).toSorted()
  const numbers = names.map((_, i) => String(i + 1).padStart(4, '0'))
  expect(names.map(name => name.slice(0, 4))).toEqual(numbers)
  const titles = names.map(name => readFileSync(`${ROOT}docs/decisions/${name}`, 'utf8').slice(2, 6))
  expect(titles).toEqual(numbers)
})

test('every npm command that a page names is a script', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> }
  const unknown = pages.flatMap(({ blocks, code }) =>
    [...blocks, ...code].flatMap(({ at, text }) =>
      [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
        .map(([, script, short]) => script ?? short ?? '')
        .filter(script => !(script in scripts))
        .map(script => `${at} npm ${script}`),
    ),
  )
  expect(unknown).toEqual([])
})
