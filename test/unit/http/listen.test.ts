import { expect, test } from 'vitest'
import { listen } from '../../../src/http/listen.ts'

/** Refuses with the codes in turn, then accepts. */
function refusing(...codes: string[]) {
  const tried: number[] = []
  return {
    tried,
    async listen({ port }: { port: number }): Promise<void> {
      tried.push(port)
      const code = codes.shift()
      if (code !== undefined) throw Object.assign(new Error(code), { code })
    },
  }
}

const host = '127.0.0.1'

test('a port that was asked for and is in use fails with the way out', async () => {
  await expect(listen(refusing('EADDRINUSE'), { host, port: 8080, portChosen: true })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    kind: 'unavailable',
    message: 'port 8080 of 127.0.0.1 is in use',
    hint: expect.stringContaining('PORT=8081'),
  })
})

test('a port nobody asked for gives way to the next free one', async () => {
  const server = refusing('EADDRINUSE', 'EADDRINUSE')
  await listen(server, { host, port: 7377, portChosen: false })
  expect(server.tried).toEqual([7377, 7378, 7379])
})

test('after ten ports in use it gives up', async () => {
  const server = refusing(...Array<string>(20).fill('EADDRINUSE'))
  await expect(listen(server, { host, port: 7377, portChosen: false })).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
  expect(server.tried).toHaveLength(10)
})

test.each([
  ['EACCES', 'this user may not listen on port 80', 'CAP_NET_BIND_SERVICE'],
  ['EADDRNOTAVAIL', '127.0.0.1 is not an address of this machine', 'MBFLOW_HOST'],
  ['ENOTFOUND', '127.0.0.1 is not an address of this machine', 'MBFLOW_HOST'],
  ['EMFILE', 'cannot listen on port 80 of 127.0.0.1: EMFILE', 'PORT'],
])('%s is explained', async (code, message, hint) => {
  await expect(listen(refusing(code), { host, port: 80, portChosen: false })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message,
    hint: expect.stringContaining(hint),
  })
})
