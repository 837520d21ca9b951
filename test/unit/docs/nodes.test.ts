// docs/nodes.md says what the node types say of themselves, and shows each of them at work.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { withNodeDocs } from '../../../scripts/node-docs.ts'
import { nodeTypes } from '../../../src/node/registry.ts'
import { check } from '../../../src/trigger/apply-files.ts'
import { jsonAfter, ROOT, readPage } from './pages.ts'

const source = readFileSync(`${ROOT}docs/nodes.md`, 'utf8')
const page = readPage('docs/nodes.md')

test('the page is up to date with the definitions: else npm run docs', () => {
  expect(withNodeDocs(source, nodeTypes.values())).toBe(source)
})

test.each([...nodeTypes.keys()])('the section of %s has a complete example, with what it gives', type => {
  const examples = page.blocks.filter(block => {
    const uses =
      block.info === 'yaml' && check(block.text).workflows.some(({ nodes }) => nodes.some(node => node.type === type))
    return uses && block.heading === type && 'output' in jsonAfter(page, block)
  })
  expect(examples).not.toEqual([])
})
