import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {type ByteSource, windowsOf} from '../../src/bytes/source.js'
import {nameOf, openSource} from '../../src/source/open.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {othersMayEnter, shell} from '../start/run.js'

const folder = temporaryFolder()
const bytes = fileOf(Array.from({length: 100_000}, (_, at) => `key:${at}`))

async function read(source: ByteSource): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of windowsOf(source)) pieces.push(Buffer.from(piece))
  await source.close()
  return Buffer.concat(pieces)
}

describe('openSource', () => {
  it('reads a file as it is, and knows its size', async () => {
    const path = folder.write('plain.rdb', bytes)
    const source = await openSource(path)
    expect(source).toMatchObject({name: path, inputBytes: bytes.length, storedBytes: bytes.length})
    expect((await read(source)).equals(bytes)).toBe(true)
    expect(source.storedRead).toBe(bytes.length)
  })

  it('unpacks by content, not by name, and knows the stored size only', async () => {
    const packed = gzipSync(bytes)
    const source = await openSource(folder.write('packed.rdb', packed))
    expect(source).toMatchObject({inputBytes: Number.POSITIVE_INFINITY, storedBytes: packed.length})
    expect((await read(source)).equals(bytes)).toBe(true)
    const misnamed = await openSource(folder.write('plain.rdb.gz', bytes))
    expect((await read(misnamed)).equals(bytes)).toBe(true)
  })

  it('reads a named pipe', async () => {
    const path = folder.write('for-pipe.rdb', bytes)
    const line = 'mkfifo "$P" && { cat "$F" > "$P" & rdbtool inspect "$P" --top 0; }'
    const {code, stdout} = await shell(line, {env: {F: path, P: join(folder.path, 'pipe')}})
    expect(code).toBe(0)
    expect(stdout).toContain('keys      100,000, none with an expiry')
  })

  it.each([
    ['unix:///no/such.sock', 'cannot connect to /no/such.sock: there is no such socket (ENOENT)'],
    ['rediss://:hunter2@127.0.0.1:1', 'cannot connect to 127.0.0.1:1: nobody listens there (ECONNREFUSED)'],
  ])('%s is a server, and not a file', async (name, message) => {
    await expect(openSource(name)).rejects.toMatchObject({name: 'WireError', code: 'CONNECT_FAILED', message})
  })

  it('a folder is not read yet, whatever it is called', async () => {
    const path = join(folder.path, 'appendonlydir')
    mkdirSync(path)
    await expect(openSource(path)).rejects.toMatchObject({name: 'UnsupportedError', code: 'UNKNOWN_CONTAINER'})
  })

  it('what the system says passes through', async () => {
    await expect(openSource(join(folder.path, 'missing'))).rejects.toMatchObject({code: 'ENOENT', syscall: 'open'})
  })

  it.skipIf(process.getuid?.() !== 0 || !othersMayEnter)(
    'a file that the shell has opened is read where who started us may not open it again',
    async () => {
      const path = folder.write('owned.rdb', bytes)
      const line =
        'chmod 755 "$D"; chmod 600 "$F"; exec 0< "$F"; exec setpriv --reuid=65534 --clear-groups "$NODE" "$BIN" inspect - --top 0'
      const {code, stdout, stderr} = await shell(line, {env: {F: path, D: folder.path, HOME: '/'}})
      expect({code, stderr}).toEqual({code: 0, stderr: ''})
      expect(stdout).toContain('keys      100,000, none with an expiry')
    },
  )
})

it('nameOf says what a dash stands for', () => {
  expect([nameOf('-'), nameOf('dump.rdb')]).toEqual(['standard input', 'dump.rdb'])
})
