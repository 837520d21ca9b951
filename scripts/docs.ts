// `npm run docs`: brings up to date what pages hold of definitions.
import { readFileSync, writeFileSync } from 'node:fs'
import { nodeTypes } from '../src/node/registry.ts'
import { withNodeDocs } from './node-docs.ts'

const page = new URL('../docs/nodes.md', import.meta.url)
writeFileSync(page, withNodeDocs(readFileSync(page, 'utf8'), nodeTypes.values()))
