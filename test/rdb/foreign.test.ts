/** Inputs that are something else, and RDB files inside gzip and zstd. */
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as zlib from 'node:zlib'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {decompressed, MemorySource, openFile, RdbReader, SKIP} from '../../src/index.js'
import {crc64, hex, le, len, str} from '../fixtures/builder.js'
import {fixture} from '../reading/fixtures.js'
import {every, streamOf} from '../reading/pieces.js'
import {transcribe} from '../reading/transcript.js'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rdbtool-foreign-'))
})

afterAll(() => rm(folder, {recursive: true}))

type Failure = Error & {code?: string; offset?: number}

async function failureOf(reader: RdbReader): Promise<Failure> {
  try {
    await reader.run({entry: () => SKIP})
  } catch (error) {
    return error as Failure
  } finally {
    await reader.close()
  }
  throw new Error('it was read')
}

/** The error of bytes in memory, in a file and in a stream of small pieces: the same class, code and place. */
async function failure(bytes: Uint8Array, samePlace = true): Promise<Failure> {
  const path = join(folder, 'input')
  await writeFile(path, bytes)
  const whole = await failureOf(await RdbReader.open(path))
  const others = [
    await failureOf(await RdbReader.open(new Uint8Array(bytes))),
    await failureOf(new RdbReader(await decompressed(streamOf(bytes, every(3, bytes.length))))),
    await failureOf(new RdbReader(await decompressed(new MemorySource(bytes, 1)))),
  ]
  for (const other of others) {
    expect(`${other.name} ${other.code}`).toBe(`${whole.name} ${whole.code}`)
    if (samePlace) expect(other.offset).toBe(whole.offset)
  }
  return whole
}

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

/** One value as DUMP answers it. */
function dump(value: Uint8Array, version: number): Uint8Array {
  const body = hex(value, le(2, version))
  return new Uint8Array(hex(body, le(8, crc64(body))))
}

const AOF = '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n'

describe('what is no RDB file', () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    ['nothing', ascii(''), 'EMPTY_INPUT', /empty/],
    ['a PNG picture', hex('89504e470d0a1a0a0000000d49484452'), 'BAD_MAGIC', /PNG/],
    ['a JPEG picture', hex('ffd8ffe000104a464946'), 'BAD_MAGIC', /JPEG/],
    ['a zip archive', ascii('PK\x03\x04\x14\0\0\0\x08\0'), 'BAD_MAGIC', /zip archive.*unpack/],
    ['xz', hex('fd377a585a000004e6d6b446'), 'BAD_MAGIC', /xz.*unpack/],
    ['bzip2', ascii('BZh91AY&SY\x01\x02'), 'BAD_MAGIC', /bzip2.*unpack/],
    ['LZ4', hex('04224d186440a7'), 'BAD_MAGIC', /LZ4.*unpack/],
    ['a program', hex('7f454c4602010100'), 'BAD_MAGIC', /ELF/],
    ['text', ascii('# Notes\n\nRemember the milk.\n'), 'BAD_MAGIC', /begins with "# Notes|begins with 23 20/],
    ['JSON', ascii('{"name":"a"}'), 'BAD_MAGIC', /begins with/],
    ['a word', ascii('hello'), 'BAD_MAGIC', /"hello"/],
    ['one byte', ascii('x'), 'BAD_MAGIC', /"x"/],
    ['the magic in lower case', ascii('redis0009\xff'), 'BAD_MAGIC', /"redis000"/],
    ['a short DUMP payload', dump(str('hello'), 11).subarray(0, 8), 'BAD_MAGIC', /begins with/],
  ])('%s', async (_, bytes, code, message) => {
    const error = await failure(bytes)
    expect(error).toMatchObject({name: 'FormatError', code, offset: 0})
    expect(error.message).toMatch(message)
    // Keys and files may hold anything; what is printed may not drive a terminal.
    expect(error.message).not.toMatch(/[^\x20-\x7e]/)
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['an append-only file', ascii(AOF), /append-only file/],
    ['JSON lines', ascii('{"meta":{"product":"redis"}}\n'), /JSON lines/],
    ['an array of JSON', ascii('[\n{"db":0,"key":"a"}\n]'), /JSON lines/],
    ['a short one', ascii('*1\r\n'), /append-only file/],
    ['one whose commands are dated', ascii(`#TS:1700000000\r\n${AOF}`), /append-only file/],
    ['a Valkey envelope', hex(Buffer.from('VCS'), '01010001', '04224d18', '6440a7'), /VCS/],
  ])('%s is named, though it cannot be read yet', async (_, bytes, message) => {
    const error = await failure(bytes)
    expect(error).toMatchObject({name: 'UnsupportedError', code: 'UNKNOWN_CONTAINER', offset: 0})
    expect(error.message).toMatch(message)
  })

  it('text with a star in its second line is no append-only file', async () => {
    const error = await failure(ascii('List\n*12\nfoo\nbar\n'))
    expect(error).toMatchObject({name: 'FormatError', code: 'BAD_MAGIC'})
  })

  const PAYLOADS: [string, Uint8Array, RegExp][] = [
    ['a string of redis 5', dump(hex(0, str('hello')), 9), /DUMP payload \(string, RDB version 9\)/],
    ['a string of valkey 9', dump(hex(0, str('hello')), 80), /DUMP payload \(string, RDB version 80\)/],
    ['a list', dump(hex(18, len(1), len(1), str('x')), 12), /DUMP payload \(list, RDB version 12\)/],
    ['a hash of redis', dump(hex(25, le(8, 1), str('x')), 12), /DUMP payload \(hash, RDB version 12\)/],
    ['a type nobody knows', dump(hex(99, str('hello')), 12), /DUMP payload \(unknown type, RDB version 12\)/],
  ]

  it.each(PAYLOADS)('a DUMP payload: %s', async (_, payload, message) => {
    for (const bytes of [payload, new Uint8Array(hex(payload, 0x0a))]) {
      const error = await failure(bytes)
      expect(error).toMatchObject({name: 'FormatError', code: 'BAD_MAGIC', offset: 0})
      expect(error.message).toMatch(message)
      expect(error.message).toMatch(/RESTORE/)
    }
  })

  it('a DUMP payload on a pipe is named as in a file', async () => {
    const [, payload, message] = PAYLOADS[0]!
    const error = await failureOf(new RdbReader(streamOf(payload, every(2, payload.length))))
    expect(error.message).toMatch(message)
  })

  it('a DUMP payload with a wrong checksum is just bytes', async () => {
    const payload = dump(hex(0, str('hello')), 9)
    payload[3]! ^= 1
    expect((await failure(payload)).message).not.toMatch(/DUMP/)
  })

  it('a file that breaks off within its magic is cut, not foreign', async () => {
    for (const begun of ['R', 'RED', 'REDIS', 'REDIS00', 'V', 'VALKEY', 'VALKEY08']) {
      expect(await failure(ascii(begun))).toMatchObject({code: 'TRUNCATED', offset: begun.length})
    }
  })
})

describe('paths', () => {
  it('a missing file and a folder are errors of input and output', async () => {
    await expect(RdbReader.open(join(folder, 'nowhere.rdb'))).rejects.toMatchObject({code: 'ENOENT'})
    await expect(RdbReader.open(folder)).rejects.toMatchObject({code: 'EISDIR'})
    await expect(openFile(folder)).rejects.toThrow(/folder/)
  })
})

/** The zstd tool's own frame (`zstd -19`) of 93 bytes: "REDIS0009", key k of 70 times "v", and the end without a checksum. */
const ZSTD_BYTES = Buffer.from('KLUv/SRd9QAAwFJFRElTMDAwOQABa0BGdv8AAAAAAAAAAAEAgoI6ctOLsg==', 'base64')

describe('compressed', () => {
  const {bytes} = fixture('rdb/hash-hashtable-v12.rdb')
  const packed = zlib.gzipSync(bytes)

  async function lines(stored: Uint8Array): Promise<string[]> {
    const source = await decompressed(new MemorySource(new Uint8Array(stored)))
    return transcribe(source, 'elements')
  }

  it('gzip is recognised by content and read through', async () => {
    const plain = await transcribe(new MemorySource(bytes), 'elements')
    expect(await lines(packed)).toEqual(plain)
    expect(await lines(zlib.gzipSync(bytes, {level: 0}))).toEqual(plain)
    const path = join(folder, 'named-like-nothing')
    await writeFile(path, packed)
    expect(await transcribe(await decompressed(await openFile(path)), 'elements')).toEqual(plain)
    const piecewise = await decompressed(streamOf(packed, every(1, packed.length)))
    expect(await transcribe(piecewise, 'elements')).toEqual(plain)
  })

  it('gzip in several members is one input', async () => {
    const third = Math.floor(bytes.length / 3)
    const members = [bytes.slice(0, third), bytes.slice(third, 2 * third), bytes.slice(2 * third)]
    const joined = Buffer.concat(members.map(member => zlib.gzipSync(member)))
    expect(await lines(joined)).toEqual(await transcribe(new MemorySource(bytes), 'elements'))
  })

  it('progress counts the stored bytes', async () => {
    const source = await decompressed(new MemorySource(new Uint8Array(packed)))
    expect(source.inputBytes).toBe(Number.POSITIVE_INFINITY)
    expect(source.storedBytes).toBe(packed.length)
    await new RdbReader(source).run({entry: () => SKIP})
    expect(source.storedRead).toBe(packed.length)
    await source.close()
  })

  it('gzip that breaks off is told, at its stored end', async () => {
    for (const end of [3, 10, 18, 40, Math.floor(packed.length / 2), packed.length - 9, packed.length - 1]) {
      const error = await failure(packed.subarray(0, end), false)
      expect(error, `cut at ${end}`).toMatchObject({name: 'FormatError', code: 'TRUNCATED'})
      expect(error.offset, `cut at ${end}`).toBeLessThanOrEqual(end)
    }
  })

  it('gzip with a wrong checksum of its own is told, where the file has none', async () => {
    const {bytes: plain} = fixture('rdb/no-checksum-v12.rdb')
    const stored = new Uint8Array(zlib.gzipSync(plain))
    stored[stored.length - 6]! ^= 1
    expect(await failure(stored, false)).toMatchObject({code: 'BAD_COMPRESSION'})
  })

  it('bytes that follow are counted, however many', async () => {
    const stored = zlib.gzipSync(Buffer.concat([bytes, Buffer.alloc(1_000_000)]))
    const reader = await RdbReader.open(new Uint8Array(stored))
    expect(await reader.run({entry: () => SKIP})).toMatchObject({bytes: bytes.length, trailingBytes: 1_000_000})
    await reader.close()
  })

  it('gzip of nothing is empty, gzip of garbage is foreign', async () => {
    expect(await failure(zlib.gzipSync(ascii('')))).toMatchObject({code: 'EMPTY_INPUT'})
    expect(await failure(zlib.gzipSync(ascii('no such thing')))).toMatchObject({code: 'BAD_MAGIC'})
    expect(await failure(zlib.gzipSync(ascii(AOF)))).toMatchObject({code: 'UNKNOWN_CONTAINER'})
    expect(await failure(zlib.gzipSync(packed))).toMatchObject({code: 'BAD_MAGIC'})
  })

  it('garbage behind a gzip header is damage of the compressed input', async () => {
    const garbage = new Uint8Array(hex('1f8b0800000000000003', Buffer.alloc(64, 0xff)))
    expect(await failure(garbage, false)).toMatchObject({name: 'FormatError', code: 'BAD_COMPRESSION'})
    expect(await failure(hex('1f8b', Buffer.alloc(20)), false)).toMatchObject({code: 'BAD_COMPRESSION'})
  })

  it('any flipped byte of gzip is found out, or harmless', async () => {
    const {bytes: small} = fixture('rdb-built/hash-metadata-rc-v12.rdb')
    const plain = await transcribe(new MemorySource(small), 'elements')
    const stored = new Uint8Array(zlib.gzipSync(small))
    for (let i = 0; i < stored.length - 8; i++) {
      const broken = stored.slice()
      broken[i]! ^= 0x04
      const read = await lines(broken)
      if (/^(Format|Unsupported|Limit)Error/.test(read.at(-1)!)) continue
      expect(read, `byte ${i}`).toEqual(plain)
    }
  })

  it('zstd, as its own tool writes it, is read', async () => {
    const read = await lines(ZSTD_BYTES)
    expect(read.find(line => line.startsWith('chunks'))).toBe(`chunks ${'v'.repeat(70)} last=true`)
    expect(read.at(-1)).toBe('checksum absent, 93 bytes')
  })

  it('zstd that breaks off or is damaged is told', async () => {
    for (let end = 5; end < ZSTD_BYTES.length - 4; end++) {
      const error = await failure(ZSTD_BYTES.subarray(0, end), false)
      expect(error.name, `cut at ${end}`).toBe('FormatError')
      expect(['TRUNCATED', 'BAD_COMPRESSION'], `cut at ${end}`).toContain(error.code)
    }
    // A length that was changed looks like an end that came too early: which of both it is, nobody can tell.
    const ends: string[] = []
    for (let i = 6; i < ZSTD_BYTES.length; i++) {
      const broken = new Uint8Array(ZSTD_BYTES)
      broken[i]! ^= 0xff
      ends.push((await lines(broken)).at(-1)!)
    }
    // It was written without a checksum of its own: what cannot be told by zstd is told by the reader, if at all.
    expect(ends.filter(end => !/^(Format|Unsupported|Limit)Error|^checksum/.test(end))).toEqual([])
    expect(ends.filter(end => end.includes('BAD_COMPRESSION')).length).toBeGreaterThan(0)
  })

  it.runIf('zstdCompressSync' in zlib)('zstd of a whole fixture', async () => {
    const {zstdCompressSync} = zlib as unknown as {zstdCompressSync: (plain: Uint8Array) => Uint8Array}
    expect(await lines(zstdCompressSync(bytes))).toEqual(await transcribe(new MemorySource(bytes), 'elements'))
  })
})
