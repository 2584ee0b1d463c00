/** The helper itself, on the release's own server: what the other tests take for granted. */

import {existsSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {availableServers, findServer, ReplyError, type ServerFailed, startServer} from './server.js'

const NAME = 'redis-7.0'
const here = typeof findServer(NAME) !== 'string'

it('tells what is missing, and how to get it', () => {
  const {found, missing} = availableServers()
  expect(found.length + missing.length).toBe(7)
  for (const words of missing) expect(words).toMatch(/is not on this machine: .*test\/server/)
  expect(findServer('redis-1.0')).toMatch(/no server is called redis-1\.0; there are redis-6\.0/)
})

describe.skipIf(!here)('a server', () => {
  it('starts fast, answers, and leaves nothing behind', async () => {
    const started = performance.now()
    const server = await startServer(NAME)
    expect(performance.now() - started).toBeLessThan(2000)
    expect(server.version).toMatch(/^7\.0\./)
    expect(existsSync(server.dir)).toBe(true)
    await server.stop()
    expect(existsSync(server.dir)).toBe(false)
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/)
  })

  it('takes any bytes, many commands at once, and large values', async () => {
    const server = await startServer(NAME)
    try {
      const bytes = Buffer.from(Array.from({length: 256}, (_, index) => index))
      const large = Buffer.alloc(20_000_000, bytes)
      expect(await server.client.call('SET', bytes, large)).toBe('OK')
      expect(large.equals(await server.client.call('GET', bytes))).toBe(true)
      const replies = await server.client.pipeline([
        ['INCR', 'n'],
        ['NOPE'],
        ['LRANGE', 'none', 0, -1],
        ['GET', 'none'],
        ['INCRBY', 'n', 2n ** 60n],
      ])
      expect(replies[1]).toBeInstanceOf(ReplyError)
      expect([replies[0], replies[2], replies[3], replies[4]]).toEqual([1, [], null, 2n ** 60n + 1n])
      await expect(server.client.call('NOPE')).rejects.toThrow(/NOPE: ERR unknown command/)
    } finally {
      await server.stop()
    }
  })

  it('loads many commands, and tells the first refusal', async () => {
    const server = await startServer(NAME)
    try {
      const bytes = Buffer.from('INCR n\r\n'.repeat(50_000))
      expect(
        await server.client.load([
          {bytes, commands: 50_000},
          {bytes, commands: 50_000},
        ]),
      ).toBe(100_000)
      expect(String(await server.client.call('GET', 'n'))).toBe('100000')
      await expect(server.client.load([{bytes: Buffer.from('SADD n x\r\n'), commands: 1}])).rejects.toThrow(/WRONGTYPE/)
    } finally {
      await server.stop()
    }
  })

  it('starts from a file, saves one, and says why it cannot', async () => {
    const rdb = fileURLToPath(new URL('../../fixtures/rdb/databases-v10.rdb', import.meta.url))
    const server = await startServer(NAME, {rdb})
    try {
      await server.client.call('SELECT', 15)
      expect(String(await server.client.call('GET', 'same'))).toBe('15')
      expect(existsSync(await server.save())).toBe(true)
    } finally {
      await server.stop()
    }
    const foreign = fileURLToPath(import.meta.url)
    const failure = (await startServer(NAME, {rdb: foreign}).catch(error => error)) as ServerFailed
    expect(failure.name).toBe('ServerFailed')
    expect(failure.log).toMatch(/Wrong signature/)
  })
})
