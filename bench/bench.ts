// `npm run bench` runs every workload, `npm run bench -- NAME …` some of them; then it prints what it found.
// A workload is one file in bench/workloads/ that exports `run(bench)`; nothing else knows it. It measures on a server of
// its own (`onGround`), beside the bare limit in the same run, and reports `figure`s; when what the run left in the
// database is not what it should be, it throws instead. Linux only: what a process costs is read from /proc.
import { globSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { watchOthers } from './cost.ts'
import { serverVersion } from './ground.ts'
import { type Figure, heading, jsonLine, load, type Recorded, sentence, table } from './report.ts'

/** What a workload gets. */
export interface Bench {
  /** A tenth of the work, for a first look. */
  readonly quick: boolean
  /** Tells people how far it is. */
  say(text: string): void
  figure(figure: Figure): void
}

interface Workload {
  run(bench: Bench): Promise<void>
}

const USAGE = `Usage: npm run bench -- [NAME …] [--quick] [--json FILE]
       npm run bench -- --list

  NAME         a workload; all of them unless given
  --quick      a tenth of the work, for a first look
  --json FILE  write the lines of JSON there instead of below the table
  --list       list the workloads
`
const folder = new URL('./workloads/', import.meta.url)
const workloads = globSync('*.ts', { cwd: folder.pathname })
  .map(file => file.replace(/\.ts$/, ''))
  .sort()

process.exitCode = await main()

async function main(): Promise<number> {
  const asked = read(process.argv.slice(2))
  if (asked === undefined) return 2
  if (asked.list) {
    process.stdout.write(`${workloads.join('\n')}\n`)
    return 0
  }
  const postgres = await serverVersion()
  process.stdout.write(`${heading(postgres)}\n`)
  const figures: Recorded[] = []
  const failed: string[] = []
  for (const workload of asked.names) {
    try {
      await measure(workload, asked.quick, figures)
    } catch (error) {
      failed.push(workload)
      say(`${workload} failed: ${error instanceof Error ? error.stack : error}`)
    }
  }
  const lines = figures.map(figure => jsonLine(figure, postgres)).join('')
  process.stdout.write(`\n${table(figures)}\n${asked.json === undefined ? lines : ''}`)
  if (asked.json !== undefined) writeFileSync(asked.json, lines)
  if (failed.length > 0) process.stdout.write(`failed: ${failed.join(', ')}\n`)
  return failed.length > 0 ? 1 : 0
}

async function measure(workload: string, quick: boolean, figures: Recorded[]): Promise<void> {
  const { run } = (await import(new URL(`${workload}.ts`, folder).href)) as Workload
  const figure = (found: Figure): void => {
    const recorded = { ...found, workload, load: load() }
    figures.push(recorded)
    say(sentence(recorded))
  }
  const others = watchOthers()
  await run({ quick, say: text => say(`${workload}: ${text}`), figure })
  // Who was disturbed measured something else.
  figure({ name: 'other programs meanwhile', unit: 'cores', values: [others()], bar: '≤ 0.1' })
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

function read(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, list: { type: 'boolean' } },
    })
    const unknown = positionals.find(name => !workloads.includes(name))
    if (unknown !== undefined) throw new Error(`There is no workload "${unknown}"; there are ${workloads.join(', ')}.`)
    return { ...values, names: positionals.length > 0 ? positionals : workloads }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    return undefined
  }
}
