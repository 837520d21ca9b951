// `npm run bench` lists the workloads, `npm run bench -- <name>` runs one. A workload is a file in bench/workloads/ that
// does its work when imported and prints ratios against a limit measured in the same run.
import { globSync } from 'node:fs'

const folder = new URL('./workloads/', import.meta.url)
const workloads = globSync('*.ts', { cwd: folder.pathname })
  .map(file => file.replace(/\.ts$/, ''))
  .sort()
const name = process.argv[2]

if (name === undefined) {
  process.stdout.write(
    workloads.length === 0 ? 'There are no workloads yet.\n' : `Workloads: ${workloads.join(', ')}\n`,
  )
} else if (workloads.includes(name)) {
  await import(new URL(`${name}.ts`, folder).href)
} else {
  process.stderr.write(
    `There is no workload "${name}"${workloads.length === 0 ? '; there are none yet' : `. Workloads: ${workloads.join(', ')}`}.\n`,
  )
  process.exitCode = 2
}
