/**
 * LZF against an independent implementation (lzfjs), hand-made vectors, every kind of damage, and every way to cut.
 */
import {createRequire} from 'node:module'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {compressLzf, decompressLzf, LzfOutput, LzfStream, peekLzf} from '../../src/bytes/lzf.js'
import {FormatError} from '../../src/errors.js'
import {generator, json, literals, noise, reference, repeated, samples} from './samples.js'

// It comes without types.
const lzfjs = createRequire(import.meta.url)('lzfjs') as {
  compress(bytes: Uint8Array): Uint8Array
  decompress(bytes: Uint8Array): Uint8Array
}

const OFFSET = 1_000_000
const SLOT = 512 * 1024

const vectors = [
  {name: '60 x a, as Redis writes it', hex: '016161' + 'e02f00' + '016161', text: 'a'.repeat(60)},
  {name: '20 x abc, as Redis writes it', hex: '0361626361' + 'e02d02' + '016263', text: 'abc'.repeat(20)},
  {name: 'one literal', hex: '0041', text: 'A'},
  {name: 'the longest literal run', hex: '1f' + '41'.repeat(32), text: 'A'.repeat(32)},
  {name: 'the shortest reference', hex: '0041' + '2000', text: 'AAAA'},
  {name: 'a reference of 8, the longest of two bytes', hex: '0041' + 'c000', text: 'A'.repeat(9)},
  {name: 'a reference of 9, the shortest of three bytes', hex: '0041' + 'e00000', text: 'A'.repeat(10)},
  {name: 'the longest reference', hex: '0041' + 'e0ff00', text: 'A'.repeat(265)},
  {name: 'nothing', hex: '', text: ''},
]

describe.each(vectors)('lzf vector: $name', ({hex, text}) => {
  const packed = Buffer.from(hex, 'hex')
  it('decompresses', () => expect(textOf(decompress(packed, text.length))).toBe(text))
  it('streams, in pieces of any size', () => {
    for (const piece of [1, 2, 3, 7, 4096]) expect(textOf(streamed(packed, text.length, piece))).toBe(text)
  })
  it('shows its first bytes', () => {
    for (let wanted = 0; wanted <= 16; wanted++) expect(textOf(peek(packed, wanted))).toBe(text.slice(0, wanted))
  })
  it('refuses every truncation and every other length', () => {
    for (let cut = 0; cut < packed.length; cut++) refuses(packed.subarray(0, cut), text.length)
    for (const wrong of [text.length - 1, text.length + 1]) if (wrong >= 0) refuses(packed, wrong)
  })
})

describe('lzf decompression', () => {
  it('reads what lzfjs wrote', () => {
    for (const bytes of samples()) expect(equal(decompress(lzfjs.compress(bytes), bytes.length), bytes)).toBe(true)
  })

  it('copies overlaps of every distance and length', () => {
    for (let distance = 1; distance <= 40; distance++) {
      for (const length of [3, 4, 8, 9, 15, 16, 17, 31, 32, 33, 100, 263, 264]) {
        const operations = [literals(distance), reference(distance, length), literals(5)]
        const packed = Buffer.concat(operations)
        expect(
          equal(decompress(packed, distance + length + 5), lzfjs.decompress(packed)),
          `${distance}/${length}`,
        ).toBe(true)
      }
    }
  })

  it('copies from 8,192 bytes back', () => {
    const packed = Buffer.concat([...Array(256).fill(literals(32)), reference(8192, 264), reference(8191, 30)])
    expect(equal(decompress(packed, 8192 + 294), lzfjs.decompress(packed))).toBe(true)
    expect(equal(streamed(packed, 8192 + 294, 7), lzfjs.decompress(packed))).toBe(true)
  })

  it('lends two results side by side', () => {
    const name = new LzfOutput()
    const value = new LzfOutput()
    const first = lzfjs.compress(Buffer.from('name '.repeat(100)))
    const second = lzfjs.compress(Buffer.from('value '.repeat(80_000)))
    decompressLzf(first, 0, first.length, 500, 0, 0, name)
    decompressLzf(second, 0, second.length, 480_000, 1, 0, value)
    expect(textOf(taken(name))).toBe('name '.repeat(100))
    expect(textOf(taken(value))).toBe('value '.repeat(80_000))
  })

  it('decompresses values larger than a slot, of every small overlap', () => {
    for (let distance = 1; distance <= 20; distance++) {
      const bytes = repeated(3_000_000 + distance, distance)
      expect(equal(decompress(lzfjs.compress(bytes), bytes.length), bytes), `${distance}`).toBe(true)
    }
  })

  it('decompresses values around the size of a slot', () => {
    const all = json(SLOT + 10, 3)
    for (let length = SLOT - 2; length <= SLOT + 2; length++) {
      const bytes = all.subarray(0, length)
      expect(equal(decompress(lzfjs.compress(bytes), length), bytes)).toBe(true)
    }
  })

  it('decompresses more input than output', () => {
    const bytes = noise(SLOT, 4)
    const packed = Buffer.concat(Array.from(bytes, byte => Buffer.from([0, byte])))
    expect(equal(decompress(packed, bytes.length), bytes)).toBe(true)
  })
})

describe('lzf damage', () => {
  it('names the byte that fails', () => {
    const cases: [string, number, number, RegExp][] = [
      ['0041' + '2001', 4, 2, /refers back/],
      ['2000', 3, 0, /refers back/],
      ['0041' + 'e0', 10, 2, /ends inside/],
      ['0041' + '20', 4, 2, /ends inside/],
      ['0041' + '054142', 7, 2, /ends inside/],
      ['0041' + '2000', 3, 2, /more than/],
      ['0041' + '0142', 2, 2, /ends inside/],
      ['0041' + '0042', 1, 2, /more than/],
      ['0041' + '0042', 3, 4, /makes 2 bytes, not the 3/],
      ['', 1, 0, /cannot/],
      ['0041', 2 ** 32, 0, /cannot/],
    ]
    for (const [hex, outBytes, at, message] of cases) {
      const packed = Buffer.from(hex, 'hex')
      for (const error of [failure(() => decompress(packed, outBytes)), failure(() => streamed(packed, outBytes, 1))]) {
        expect(error.message).toMatch(message)
        expect([error.code, error.offset]).toEqual(['BAD_LZF', OFFSET + at])
      }
    }
  })

  it('refuses every truncation and wrong claims of a real value', () => {
    const bytes = json(700, 5)
    const packed = lzfjs.compress(bytes)
    for (let cut = 0; cut < packed.length; cut++) refuses(packed.subarray(0, cut), bytes.length)
    for (const claim of [0, 1, bytes.length - 1, bytes.length + 1, bytes.length * 2, 1e9, 2 ** 40])
      refuses(packed, claim)
  })

  it('says the same of any bytes, whole or streamed, and nothing but FormatError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({maxLength: 200}),
        fc.nat(600),
        fc.integer({min: 1, max: 9}),
        (packed, claim, piece) => {
          const whole = outcome(() => decompress(packed, claim))
          expect(outcome(() => streamed(packed, claim, piece))).toEqual(whole)
        },
      ),
      {numRuns: 3000},
    )
  })

  it('says the same of a large value that was damaged', () => {
    const bytes = json(2_000_000, 6)
    const random = generator(6)
    for (let turn = 0; turn < 20; turn++) {
      const packed = Uint8Array.from(lzfjs.compress(bytes))
      packed[Math.floor(random() * packed.length)]! ^= 1 + Math.floor(random() * 255)
      const whole = outcome(() => decompress(packed, bytes.length))
      expect(outcome(() => streamed(packed, bytes.length, 65_536)) === whole).toBe(true)
    }
  })

  it('allocates for what is produced, not for what is claimed', () => {
    // A megabyte that may well make 88, but fails at its second operation.
    const packed = Buffer.concat([literals(32), Buffer.alloc(1_000_000, 0xff)])
    const before = process.memoryUsage().arrayBuffers
    refuses(packed, 88_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
  })

  it('emits what came before the damage', () => {
    const packed = Buffer.from('024142432002' + '0044' + 'ffffff', 'hex')
    for (const piece of [1, 2, 3, 100]) {
      const pieces: Uint8Array[] = []
      const stream = new LzfStream()
      stream.begin(packed.length, 500, OFFSET)
      const error = failure(() => {
        for (let at = 0; at < packed.length; at += piece) {
          stream.push(packed, at, Math.min(packed.length, at + piece), (bytes, from, to) =>
            pieces.push(bytes.slice(from, to)),
          )
        }
      })
      expect(error.offset).toBe(OFFSET + 8)
      expect(textOf(Buffer.concat(pieces))).toBe('ABCABCD')
    }
  })
})

describe('lzf streams', () => {
  it('give the same bytes however they are cut', () => {
    for (const bytes of samples()) {
      const packed = lzfjs.compress(bytes)
      for (const piece of bytes.length > 100_000 ? [7, 4096, 1 << 20] : [1, 2, 3, 7, 4096]) {
        expect(equal(streamed(packed, bytes.length, piece), bytes), `${bytes.length} in ${piece}`).toBe(true)
      }
    }
  })

  it('may take turns with each other and with whole values, even inside a piece', () => {
    const values = [json(900_000, 7), repeated(800_000, 3), noise(50_000, 7)]
    const running = values.map(bytes => {
      const packed = lzfjs.compress(bytes)
      return {bytes, packed, at: 0, pieces: [] as Uint8Array[], stream: new LzfStream()}
    })
    for (const one of running) one.stream.begin(one.packed.length, one.bytes.length, 0)
    const random = generator(7)
    const small = lzfjs.compress(Buffer.from('between'.repeat(50)))
    while (running.some(one => one.at < one.packed.length)) {
      const one = running[Math.floor(random() * running.length)]!
      const next = Math.min(one.packed.length, one.at + Math.floor(random() * 20_000))
      one.stream.push(one.packed, one.at, next, (bytes, from, to) => {
        one.pieces.push(bytes.slice(from, to))
        expect(decompress(small, 350).length).toBe(350)
        expect(compressLzf(values[0]!, 0, 5000)).toBeDefined()
      })
      one.at = next
    }
    for (const one of running) {
      one.stream.finish()
      expect(equal(Buffer.concat(one.pieces), one.bytes)).toBe(true)
    }
  })

  it('may be used again, after success and after damage', () => {
    const stream = new LzfStream()
    const packed = lzfjs.compress(Buffer.from('again and '.repeat(30)))
    for (let turn = 0; turn < 3; turn++) {
      expect(textOf(streamed(packed, 300, 5, stream))).toBe('again and '.repeat(30))
      expect(() => streamed(packed, 299, 5, stream)).toThrow(FormatError)
      expect(() => streamed(packed.subarray(0, 9), 300, 5, stream)).toThrow(FormatError)
    }
  })
})

describe('peekLzf', () => {
  it('shows what decompression would', () => {
    for (const bytes of samples()) {
      for (const wanted of [1, 6, 16]) {
        expect(equal(peek(lzfjs.compress(bytes), wanted), bytes.subarray(0, wanted))).toBe(true)
      }
    }
  })

  it('returns fewer on damage and never throws', () => {
    expect(textOf(peek(Buffer.from('0541424344', 'hex'), 16))).toBe('ABCD')
    expect(textOf(peek(Buffer.from('0041' + '20', 'hex'), 16))).toBe('A')
    expect(textOf(peek(Buffer.from('0041' + 'e001', 'hex'), 16))).toBe('A')
    expect(textOf(peek(Buffer.from('0041' + '2001', 'hex'), 16))).toBe('A')
    fc.assert(
      fc.property(
        fc.uint8Array({maxLength: 60}),
        fc.nat(16),
        (packed, wanted) => peek(packed, wanted).length <= wanted,
      ),
    )
  })
})

describe('compressLzf', () => {
  it('is read by lzfjs and by us', () => {
    for (const bytes of samples()) {
      const packed = compress(bytes)
      if (packed === undefined) continue
      expect(packed.length).toBeLessThanOrEqual(bytes.length - 4)
      expect(equal(lzfjs.decompress(packed), bytes)).toBe(true)
      expect(equal(decompress(packed, bytes.length), bytes)).toBe(true)
    }
  })

  it('compresses whatever repeats', () => {
    const alphabet = fc.uint8Array({minLength: 1, maxLength: 12})
    fc.assert(
      fc.property(
        fc.array(alphabet, {minLength: 1, maxLength: 8}),
        fc.array(fc.nat(7), {maxLength: 400}),
        (words, order) => {
          const bytes = Buffer.concat(order.map(at => words[at % words.length]!))
          const packed = compress(bytes)
          if (packed === undefined) return
          expect(equal(lzfjs.decompress(packed), bytes)).toBe(true)
          expect(equal(decompress(packed, bytes.length), bytes)).toBe(true)
        },
      ),
      {numRuns: 1000},
    )
  })

  it('gives up on what does not compress', () => {
    for (const length of [0, 1, 4, 5, 20, 100, 10_000, SLOT, SLOT + 1, 3 * SLOT]) {
      expect(compress(noise(length, length))).toBeUndefined()
    }
    expect(compress(Buffer.from('abcabcab'))).toBeUndefined()
  })

  it('gives the same bytes whatever was compressed before', () => {
    const bytes = json(20_000, 8)
    const first = compress(bytes)
    for (const other of samples()) compress(other)
    expect(compress(bytes)).toEqual(first)
    compress(bytes.subarray(1))
    expect(compress(bytes)).toEqual(first)
  })

  it('stands more input than its positions count', () => {
    const bytes = json(SLOT, 9)
    const first = compress(bytes)!
    const {start, end} = compressLzf(bytes, 0, 300)!
    // Every input takes 8 KiB more of its positions than it has bytes: this goes past 2^32.
    let odd = 0
    for (let turn = 0; turn < 530_000; turn++) {
      const output = compressLzf(bytes, 0, 300)!
      if (output.end - output.start !== end - start) odd++
    }
    expect(odd).toBe(0)
    expect(equal(compress(bytes)!, first)).toBe(true)
  })

  it('compresses nearly as small as lzfjs', () => {
    const bytes = json(SLOT * 3, 10)
    expect(compress(bytes)!.length).toBeLessThan(lzfjs.compress(bytes).length * 1.05)
  })
})

/** Copies the lent result, as everything here compares it later. */
function decompress(packed: Uint8Array, outBytes: number): Uint8Array {
  const shifted = Buffer.concat([Buffer.from([1, 2, 3]), packed, Buffer.from([4])])
  const into = new LzfOutput()
  decompressLzf(shifted, 3, 3 + packed.length, outBytes, 0, OFFSET, into)
  return taken(into)
}

function compress(bytes: Uint8Array): Uint8Array | undefined {
  const output = compressLzf(bytes, 0, bytes.length)
  return output === undefined ? undefined : taken(output)
}

function taken({bytes, start, end}: LzfOutput): Uint8Array {
  return bytes.slice(start, end)
}

function streamed(packed: Uint8Array, outBytes: number, piece: number, stream = new LzfStream()): Uint8Array {
  const pieces: Uint8Array[] = []
  stream.begin(packed.length, outBytes, OFFSET)
  for (let at = 0; at < packed.length; at += piece) {
    // A fresh copy: nothing may depend on bytes fed before.
    const fed = packed.slice(at, at + piece)
    stream.push(fed, 0, fed.length, (bytes, from, to) => pieces.push(bytes.slice(from, to)))
  }
  stream.finish()
  return Buffer.concat(pieces)
}

function peek(packed: Uint8Array, wanted: number): Uint8Array {
  const out = new Uint8Array(16)
  return out.subarray(0, peekLzf(packed, 0, packed.length, wanted, out))
}

function refuses(packed: Uint8Array, outBytes: number): void {
  const errors = [failure(() => decompress(packed, outBytes)), failure(() => streamed(packed, outBytes, 3))]
  expect(errors[0]!.code).toBe('BAD_LZF')
  expect(errors[1]!.offset).toBe(errors[0]!.offset)
  expect(errors[1]!.message).toBe(errors[0]!.message)
}

function failure(run: () => unknown): FormatError {
  try {
    run()
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

function outcome(run: () => Uint8Array): string {
  try {
    return Buffer.from(run()).toString('hex')
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return `${error.code} ${error.offset} ${error.message}`
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
