/** CRC-64 against an independent implementation (js-crc's CRC-64/REDIS), over every way to cut and to interleave. */
import fc from 'fast-check'
import {crc_64_redis} from 'js-crc/models'
import {describe, expect, it} from 'vitest'
import {Crc64, crc64} from '../../src/bytes/crc64.js'
import {giveBackWindows, kernel, takeWindows} from '../../src/bytes/kernel.js'
import {generator, noise} from './samples.js'

const CARRY = 2312 * 8
const BLOCK = 128 * 1024

describe('crc64', () => {
  it('gives the check value', () => {
    const check = Buffer.from('123456789')
    expect(crc64(check, 0, 9)).toEqual({high: 0xe9c6d914, low: 0xc4b8d9ca})
    expect(hexOf(check)).toBe('e9c6d914c4b8d9ca')
    expect(hexOf(Buffer.from('x123456789x'), 1, 10)).toBe('e9c6d914c4b8d9ca')
  })

  it('gives the checksums of DUMP payloads that servers made', () => {
    const dumps = ['000568656c6c6f0900' + 'b3808eba31b243bb', '000568656c6c6f5000' + 'ac5816e7fb6647fe']
    for (const dump of dumps) {
      const bytes = Buffer.from(dump, 'hex')
      const crc = new Crc64()
      crc.update(bytes, 0, bytes.length - 8)
      expect(crc.equals(bytes, bytes.length - 8)).toBe(true)
      expect(crc.equals(bytes, bytes.length - 9)).toBe(false)
    }
  })

  it('of nothing is zero', () => {
    expect(new Crc64().hex()).toBe('0000000000000000')
    expect(crc64(new Uint8Array(0), 0, 0)).toEqual({high: 0, low: 0})
  })

  it('agrees with the oracle on every length up to 300', () => {
    for (let length = 0; length <= 300; length++) agrees(noise(length, length))
  })

  it('agrees where tables end, words are carried and blocks end', () => {
    const edges = [32 * 1024, CARRY, 2 * CARRY, BLOCK, BLOCK + CARRY, 2 * BLOCK, 3 * BLOCK + 32 * 1024]
    for (const edge of edges)
      for (const more of [-17, -16, -8, -1, 0, 1, 7, 8, 15, 16, 17]) agrees(noise(edge + more, edge))
  })

  it('agrees on bytes that are all alike', () => {
    for (const value of [0, 1, 0x80, 0xff]) agrees(new Uint8Array(BLOCK * 2 + 77).fill(value))
  })

  it('does not depend on how the bytes are cut', () => {
    const bytes = noise(1 << 20, 5)
    const expected = oracle(bytes)
    for (const piece of [3, 61, 4096, 65_536, BLOCK - 1, BLOCK, BLOCK + 1])
      expect(
        fed(bytes, () => piece),
        `${piece}`,
      ).toBe(expected)
    fc.assert(
      fc.property(fc.array(fc.integer({min: 0, max: 200_000}), {minLength: 1}), sizes => {
        let turn = 0
        return fed(bytes, () => (turn < sizes.length ? sizes[turn++]! : bytes.length)) === expected
      }),
      {numRuns: 40},
    )
  })

  it('takes one byte at a time', () => {
    const bytes = noise(200_000, 6)
    expect(fed(bytes, () => 1)).toBe(oracle(bytes))
  })

  it('may be asked at any moment and go on', () => {
    const bytes = noise(700_000, 7)
    const crc = new Crc64()
    let at = 0
    for (const piece of [0, 1, 5, 40_000, 3, 131_072, 131_071, 9, 262_144, 100_000]) {
      crc.update(bytes, at, at + piece)
      at += piece
      const expected = oracle(bytes.subarray(0, at))
      expect(crc.hex()).toBe(expected)
      expect(crc.hex()).toBe(expected)
      const {high, low} = crc.digest()
      expect(hexHalf(high) + hexHalf(low)).toBe(expected)
      expect([crc.high, crc.low]).toEqual([high, low])
      expect(crc.equals(littleEndian(expected), 0)).toBe(true)
    }
  })

  it('starts anew after a reset, whoever has the kernel', () => {
    const bytes = noise(300_000, 8)
    const crc = new Crc64()
    const other = new Crc64()
    crc.update(bytes, 0, 300_000)
    crc.reset()
    crc.update(bytes, 0, 1000)
    other.update(bytes, 0, 200_000)
    expect(crc.hex()).toBe(oracle(bytes.subarray(0, 1000)))
    crc.reset()
    expect(crc.hex()).toBe('0000000000000000')
    expect(other.hex()).toBe(oracle(bytes.subarray(0, 200_000)))
  })

  it('keeps many running checksums apart', () => {
    const random = generator(9)
    const bytes = noise(1 << 20, 9)
    const running = Array.from({length: 7}, () => ({crc: new Crc64(), start: Math.floor(random() * 1000), end: 0}))
    for (const one of running) one.end = one.start
    for (let turn = 0; turn < 300; turn++) {
      const one = running[Math.floor(random() * running.length)]!
      const piece = Math.min(bytes.length - one.end, Math.floor(random() * (turn % 5 === 0 ? 200_000 : 300)))
      one.crc.update(bytes, one.end, one.end + piece)
      one.end += piece
      crc64(bytes, 0, turn * 300)
      if (turn % 3 === 0) expect(one.crc.hex()).toBe(oracle(bytes.subarray(one.start, one.end)))
    }
    for (const {crc, start, end} of running) expect(crc.hex()).toBe(oracle(bytes.subarray(start, end)))
  })

  it('stands thousands of checksums', () => {
    const bytes = noise(100, 10)
    const all = Array.from({length: 5000}, () => new Crc64())
    for (let at = 0; at < 100; at += 50) for (const crc of all) crc.update(bytes, at, at + 50)
    const expected = oracle(bytes)
    expect(all.every(crc => crc.hex() === expected)).toBe(true)
  })

  it('equals the plain kernel', () => {
    const {bytes: memory, inputArea, results, crcTable} = kernel()
    const bytes = noise(inputArea.bytes, 11)
    memory.set(bytes, inputArea.start)
    crcTable(0, 0, inputArea.start, bytes.length)
    expect(hexHalf(results[1]!) + hexHalf(results[0]!)).toBe(hexOf(bytes))
  })

  it('takes bytes of the kernels where they lie, and leaves them as they are', () => {
    const areas = takeWindows()!
    const {start, end} = areas[0]!
    const {bytes: memory} = kernel()
    const random = generator(12)
    for (let turn = 0; turn < 30; turn++) {
      const bytes = noise(end - start, turn)
      memory.set(bytes, start)
      const crc = new Crc64()
      const cuts = [0, 0, 0, bytes.length].map(() => Math.floor(random() * bytes.length)).sort((a, b) => a - b)
      for (const [i, cut] of cuts.entries()) crc.update(memory, start + (cuts[i - 1] ?? 0), start + cut)
      expect(crc.hex()).toBe(oracle(bytes.subarray(0, cuts.at(-1)!)))
      expect(Buffer.compare(memory.subarray(start, end), bytes)).toBe(0)
    }
    giveBackWindows(areas)
  })

  it('uses memory that cannot grow', () => {
    expect(kernel().bytes.length).toBe(184 * 64 * 1024)
  })
})

function agrees(bytes: Uint8Array): void {
  const expected = oracle(bytes)
  expect(hexOf(bytes), `${bytes.length} bytes`).toBe(expected)
  const {high, low} = crc64(bytes, 0, bytes.length)
  expect(hexHalf(high) + hexHalf(low), `${bytes.length} bytes at once`).toBe(expected)
}

function oracle(bytes: Uint8Array): string {
  return crc_64_redis(bytes).padStart(16, '0')
}

function hexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const crc = new Crc64()
  crc.update(bytes, start, end)
  return crc.hex()
}

function fed(bytes: Uint8Array, piece: () => number): string {
  const crc = new Crc64()
  for (let at = 0, next = 0; at < bytes.length; at = next) {
    next = Math.min(bytes.length, at + piece())
    crc.update(bytes, at, next)
  }
  return crc.hex()
}

function littleEndian(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex').reverse()
}

function hexHalf(half: number): string {
  return half.toString(16).padStart(8, '0')
}
