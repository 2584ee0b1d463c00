/** The checksum by its published vectors, the slots by what servers answer. */
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {crc16, SLOT_COUNT, slotOf} from '../../src/bytes/crc16.js'
import {describeEachServer} from '../server/each-server.js'
import {type Server, startServer} from '../server/server.js'

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const slot = (key: Uint8Array): number => slotOf(key, 0, key.length)

describe('crc16', () => {
  it.each([
    ['', 0],
    ['\0', 0],
    ['A', 0x58e5],
    ['123456789', 0x31c3],
  ])('of %j is %i', (text, sum) => expect(crc16(bytesOf(text), 0, text.length)).toBe(sum))

  it('is the remainder of the polynomial division, bit by bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 64}), bytes => {
        let crc = 0
        for (const byte of bytes) {
          for (let bit = 7; bit >= 0; bit--) {
            const carry = (crc >> 15) ^ ((byte >> bit) & 1)
            crc = ((crc << 1) & 0xffff) ^ (carry ? 0x1021 : 0)
          }
        }
        expect(crc16(bytes, 0, bytes.length)).toBe(crc)
      }),
    )
  })
})

describe('slotOf', () => {
  // As redis 7.0 answers CLUSTER KEYSLOT.
  it.each([
    ['', 0],
    ['123456789', 12739],
    ['foo', 12182],
    ['{foo}', 12182],
    ['x{foo}y', 12182],
    ['x{foo}{bar}', 12182],
    ['{foo}}', 12182],
    ['{', 4092],
    ['}', 12090],
    ['{}', 15257],
    ['}{', 12793],
    ['{a', 10276],
    ['{{a}}', 10276],
    ['a{b}c', 3300],
    ['x}{y}', 12222],
    ['{\0}', 0],
    // An empty first tag: the whole key, whatever follows.
    ['{}foo}', 2045],
    ['{}{a}', 13650],
    ['{}a{b}', 16175],
  ])('of %j is %i', (key, expected) => expect(slot(bytesOf(key))).toBe(expected))

  it('looks at nothing outside [start, end)', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 20}), key => {
        for (const around of ['{', '}', '{x}', 'x']) {
          const wide = Buffer.concat([bytesOf(around), key, bytesOf(around)])
          expect(slotOf(wide, around.length, around.length + key.length)).toBe(slot(key))
        }
      }),
    )
  })

  it('is that of its tag alone, and below the number of slots', () => {
    const plain = fc
      .uint8Array({minLength: 1, maxLength: 8})
      .map(key => key.filter(byte => byte !== 0x7b && byte !== 0x7d))
    fc.assert(
      fc.property(plain, plain, plain, (before, tag, after) => {
        const key = Buffer.concat([before, bytesOf('{'), tag, bytesOf('}'), after])
        expect(slot(key)).toBe(tag.length > 0 ? slot(tag) : crc16(key, 0, key.length) % SLOT_COUNT)
      }),
    )
  })
})

describeEachServer('CLUSTER KEYSLOT of', name => {
  let server: Server
  beforeAll(async () => {
    server = await startServer(name, {config: {'cluster-enabled': 'yes'}})
  })
  afterAll(() => server?.stop())

  it('binary keys with and without tags', async () => {
    const byte = fc.oneof(fc.constantFrom(0x7b, 0x7d), fc.integer({min: 0, max: 255}))
    const keys = fc.sample(fc.array(byte, {maxLength: 16}), 5000).map(key => Buffer.from(key))
    const answers = await server.client.pipeline(keys.map(key => ['CLUSTER', 'KEYSLOT', key]))
    expect(keys.map(slot)).toEqual(answers)
  })
})
