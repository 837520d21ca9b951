import { expect, test } from 'vitest'
import { again, createGroupCommit, Refused } from '../../../src/event/group-commit.ts'

/** Flushes that end when told to, and what they were given. */
function manual(lanes = 1) {
  const batches: string[][] = []
  const ends: ((results?: unknown[]) => void)[] = []
  const group = createGroupCommit<string, unknown>({
    keyOf: request => request.slice(0, 1),
    sizeOf: request => request.length,
    maxBatch: 3,
    maxSize: 100,
    lanes,
    flush: batch => {
      batches.push([...batch])
      return new Promise(resolve => ends.push((results = [...batch]) => resolve(results)))
    },
  })
  const end = async (results?: unknown[]): Promise<void> => {
    ends.shift()?.(results)
    await Promise.resolve()
      .then(() => {})
      .then(() => {})
      .then(() => {})
  }
  return { group, batches, end, settle: () => Promise.resolve().then(() => {}) }
}

test('what is asked in one turn of the event loop shares a batch, and what comes meanwhile the next', async () => {
  const { group, batches, end, settle } = manual()
  const first = [group.add('a1'), group.add('b1')]
  await settle()
  const second = [group.add('c1'), group.add('d1')]
  await end()
  expect(await Promise.all(first)).toEqual(['a1', 'b1'])
  await end()
  expect(await Promise.all(second)).toEqual(['c1', 'd1'])
  expect(batches).toEqual([
    ['a1', 'b1'],
    ['c1', 'd1'],
  ])
})

test('requests of one key never share a batch and keep their order', async () => {
  const { group, batches, end, settle } = manual()
  const all = Promise.all([group.add('a1'), group.add('a2'), group.add('b1'), group.add('a3')])
  await settle()
  await end()
  await end()
  await end()
  await all
  expect(batches).toEqual([['a1', 'b1'], ['a2'], ['a3']])
})

test('a batch has its limit', async () => {
  const { group, batches, end, settle } = manual()
  const all = Promise.all(['a', 'b', 'c', 'd'].map(group.add))
  await settle()
  await end()
  await end()
  await all
  expect(batches).toEqual([['a', 'b', 'c'], ['d']])
})

test('a request put off comes again in the next batch, a refused one fails alone', async () => {
  const { group, batches, end, settle } = manual()
  const [a, b, c] = [group.add('a'), group.add('b'), group.add('c')]
  const refused = expect(b).rejects.toThrow('no')
  await settle()
  await end([again, new Refused(new Error('no')), 'done'])
  await end()
  expect([await a, await c]).toEqual(['a', 'done'])
  await refused
  expect(batches[1]).toEqual(['a'])
})

test('a batch is no larger than allowed; a request larger than that goes alone', async () => {
  const { group, batches, end, settle } = manual()
  const sized = (key: string, size: number): string => key.padEnd(size, '.')
  const requests = [sized('a', 40), sized('b', 40), sized('c', 40), sized('d', 200), sized('e', 20)]
  const all = Promise.all(requests.map(group.add))
  await settle()
  await end()
  await end()
  await end()
  await all
  expect(batches.map(batch => batch.map(request => request.charAt(0)))).toEqual([['a', 'b', 'e'], ['c'], ['d']])
})

test('batches of several lanes are in flight at once, never two with the same key', async () => {
  const { group, batches, end, settle } = manual(2)
  const first = group.add('a1')
  await settle()
  const second = [group.add('a2'), group.add('b1')]
  await settle()
  expect(batches).toEqual([['a1'], ['b1']])
  await end()
  expect(await first).toBe('a1')
  expect(batches).toEqual([['a1'], ['b1'], ['a2']])
  await end()
  await end()
  await Promise.all(second)
})
