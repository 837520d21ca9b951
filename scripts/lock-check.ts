// What npm does not complain about until somebody else installs: a lock without another platform's optional packages
// (`npm ci` of npm 11 and newer refuses it there), dependencies that float, packages that come from one particular
// host, and packages whose install script npm 12 would not run.
import { readFileSync } from 'node:fs'

export interface Manifest {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
  readonly allowScripts?: { readonly [name: string]: boolean }
}

export interface Lock {
  readonly packages: { readonly [path: string]: LockedPackage }
}

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Versions
}

type Versions = { readonly [name: string]: string }

export function lockProblems(manifest: Manifest, { packages }: Lock): string[] {
  const installed = Object.entries(packages).filter(([path]) => path !== '')
  return [
    ...floating(manifest),
    ...Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(name => !isLocked(packages, path, name))
        .map(name => `${path || 'package.json'} may need ${name}, which is not in the lock`),
    ),
    ...installed
      .filter(([, { resolved }]) => resolved !== undefined)
      .map(([path]) => `${path} is tied to one host by "resolved"`),
    ...installed
      .filter(([, { integrity }]) => integrity === undefined)
      .map(([path]) => `${path} has no integrity hash`),
    ...installed
      .filter(([path, { hasInstallScript }]) => hasInstallScript && manifest.allowScripts?.[nameAt(path)] !== false)
      .map(
        ([path]) => `${path} has an install script; do without it, or say false to it in allowScripts of package.json`,
      ),
  ]
}

function floating({ dependencies, devDependencies, optionalDependencies }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json asks for ${name} "${version}", not for one exact version`)
}

/** Whether `require(name)` from `path` would find it: beside it, or beside any package it lies in. */
function isLocked(packages: Lock['packages'], path: string, name: string): boolean {
  const nearest = packages[`${path === '' ? '' : `${path}/`}node_modules/${name}`]
  if (nearest !== undefined || path === '') return nearest !== undefined
  return isLocked(packages, path.slice(0, Math.max(path.lastIndexOf('node_modules/') - 1, 0)), name)
}

function nameAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

if (import.meta.main) {
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
  const problems = lockProblems(read('package.json') as Manifest, read('package-lock.json') as Lock)
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
