/**
 * The most memory that a run takes, however large the values are: of files that are made while they are read. What is held
 * whole is one element, and a packed node is one.
 */
import {spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {describe, expect, it} from 'vitest'
import {hex, le, len, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {BIN, environment, ROOT} from '../start/run.js'

const MEGABYTE = 1024 * 1024
const PEAK_BYTES_MAX = 150 * MEGABYTE
/** What check may take besides for its index of keys and elements. */
const INDEX_BYTES = 64 * MEGABYTE
const NODE_BYTES = 24 * MEGABYTE
const ELEMENTS = 2_000_000

const folder = temporaryFolder()
const preloaded = pathToFileURL(join(ROOT, 'test/start/peak.js')).href

interface Ran {
  code: number | null
  stdout: string
  peakBytes: number
}

/** Runs the program with bytes on its standard input that are made as it takes them. */
async function run(args: readonly string[], pieces: Iterable<Uint8Array>): Promise<Ran> {
  const note = join(folder.path, 'peak')
  const env = environment({NODE_OPTIONS: `--import=${preloaded}`, RDBTOOL_PEAK: note})
  const child = spawn(process.execPath, [BIN, ...args], {env, stdio: ['pipe', 'pipe', 'inherit']})
  let stdout = ''
  child.stdout.on('data', piece => {
    stdout += piece
  })
  const code = new Promise<number | null>(resolve => child.once('close', resolve))
  for (const piece of pieces) {
    if (!child.stdin.write(piece)) await new Promise(resolve => child.stdin.once('drain', resolve))
  }
  child.stdin.end()
  return {code: await code, stdout, peakBytes: Number(readFileSync(note, 'utf8'))}
}

/** A record, with a key behind it: its being read proves that the record ended where it should. */
function* file(version: number, record: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield Buffer.from(`REDIS${String(version).padStart(4, '0')}`)
  yield* record
  yield hex(0, str('behind'), str('x'), 0xff, Buffer.alloc(8))
}

/** A pattern again and again, in pieces of about a megabyte. */
function* repeated(pattern: Uint8Array, times: number): Generator<Uint8Array> {
  const perPiece = Math.ceil(MEGABYTE / pattern.length)
  const piece = Buffer.alloc(perPiece * pattern.length, pattern)
  for (let left = times; left > 0; left -= perPiece) {
    yield left < perPiece ? piece.subarray(0, left * pattern.length) : piece
  }
}

/** A short string as it is stored, in a text of one character a byte. */
const short = (text: string): string => String.fromCharCode(text.length) + text

/** Distinct elements made from their numbers, in pieces. */
function* numbered(count: number, make: (i: number) => string): Generator<Uint8Array> {
  for (let i = 0; i < count; ) {
    let some = ''
    for (const end = Math.min(i + 20_000, count); i < end; i++) some += make(i)
    yield Buffer.from(some, 'latin1')
  }
}

/** Nine letters, with their header and back length: in a listpack, and in a ziplist behind one of the same. */
const PACKED = hex(0x89, Buffer.from('abcdefghi'), 10)
const ZIPPED = hex(11, 9, Buffer.from('abcdefghi'))
const COUNT = Math.floor(NODE_BYTES / PACKED.length)
/** A back reference of 264 bytes makes 24 of them. */
const REFERENCES = Math.floor((COUNT - 1) / 24)

/** Headers of blobs with `count` elements: of more than 65,534 nobody knows their number. */
const listpackHead = (count: number): Buffer => hex(le(4, 7 + count * PACKED.length), le(2, 0xffff))
const ziplistHead = (count: number): Buffer => {
  const last = 10 + (count - 1) * ZIPPED.length
  return hex(le(4, 11 + count * ZIPPED.length), le(4, last), le(2, 0xffff))
}

function* listpackNode(): Generator<Uint8Array> {
  yield hex(18, str('key'), len(1), len(2), len(7 + COUNT * PACKED.length), listpackHead(COUNT))
  yield* repeated(PACKED, COUNT)
  yield hex(0xff)
}

function* compressedNode(): Generator<Uint8Array> {
  const count = 1 + 24 * REFERENCES
  const first = hex(listpackHead(count), PACKED)
  const packedBytes = 1 + first.length + 3 * REFERENCES + 2
  yield hex(18, str('key'), len(1), len(2), 0xc3, len(packedBytes), len(7 + count * PACKED.length))
  yield hex(first.length - 1, first)
  yield* repeated(hex(0xe0, 264 - 9, PACKED.length - 1), REFERENCES)
  yield hex(0, 0xff)
}

function* ziplistNode(): Generator<Uint8Array> {
  yield hex(14, str('key'), len(1), len(11 + COUNT * ZIPPED.length), ziplistHead(COUNT))
  yield hex(0, ZIPPED.subarray(1))
  yield* repeated(ZIPPED, COUNT - 1)
  yield hex(0xff)
}

function* hugeSet(): Generator<Uint8Array> {
  yield hex(2, str('key'), len(ELEMENTS))
  yield* numbered(ELEMENTS, i => short(`member:${i}`))
}

function* hugeHash(): Generator<Uint8Array> {
  yield hex(4, str('key'), len(ELEMENTS))
  yield* numbered(ELEMENTS, i => short(`field:${i}`) + short('value'))
}

const FILES: [name: string, version: number, record: () => Iterable<Uint8Array>, elements: number][] = [
  ['a listpack of 24 MiB', 10, listpackNode, COUNT],
  ['a compressed listpack of 24 MiB', 10, compressedNode, 1 + 24 * REFERENCES],
  ['a ziplist of 24 MiB', 9, ziplistNode, COUNT],
  ['a set of two million', 9, hugeSet, ELEMENTS],
  ['a hash of two million', 9, hugeHash, ELEMENTS],
]

describe.each(FILES)('with %s', (_, version, record, elements) => {
  it('check stays within its memory', async () => {
    const {code, stdout, peakBytes} = await run(['check', '-', '--json'], file(version, record()))
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ok: true, keys: 2, problems: [{code: 'CHECKSUM_ABSENT'}]})
    expect(peakBytes).toBeLessThan(PEAK_BYTES_MAX + INDEX_BYTES)
    const without = await run(['check', '-', '--json', '--no-duplicates'], file(version, record()))
    expect(JSON.parse(without.stdout)).toMatchObject({ok: true, keys: 2})
    expect(without.peakBytes).toBeLessThan(PEAK_BYTES_MAX)
  })

  it('inspect --detail does', async () => {
    const {code, stdout, peakBytes} = await run(['inspect', '-', '--json', '--detail'], file(version, record()))
    expect(code).toBe(0)
    const {keys, biggest, memoryBytes} = JSON.parse(stdout)
    expect(keys).toBe(2)
    expect(biggest[0]).toMatchObject({key: 'key', elements})
    expect(memoryBytes).toBeGreaterThan(20 * MEGABYTE)
    expect(peakBytes).toBeLessThan(PEAK_BYTES_MAX)
  })
})
