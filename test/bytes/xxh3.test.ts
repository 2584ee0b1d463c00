/** XXH3: what the reference library (xxHash 0.8.1) and redis answer. */
import {describe, expect, it} from 'vitest'
import {xxh3} from '../../src/bytes/xxh3.js'

/** By lengths at which another formula begins. */
const REFERENCE: readonly (readonly [bytes: number, hash: string])[] = [
  [0, '2d06800538d394c2'],
  [1, 'e12ef9d2eb86ceeb'],
  [3, 'a9088dda485b481c'],
  [4, '57648c318a7a307e'],
  [8, 'b0fb3e3c3f94990a'],
  [9, '8aca5cb309437c2e'],
  [16, '2bd926d88792965a'],
  [17, '621f018aad19b14a'],
  [32, '8911535e799e4d99'],
  [33, '451f024b0612781e'],
  [64, '507ca16d83bdb801'],
  [65, '45ae3eab04b05906'],
  [96, '04a50654b4f49a72'],
  [97, '473e7067d5bf4ddf'],
  [128, 'b7683a92f4a5d068'],
  [129, 'a95a27e6b11d4764'],
  [240, 'ba36ae9d589feff8'],
  [241, 'bee42e29dab55090'],
  [1024, '7d18fd81bfe82b03'],
  [1025, '80bb17cafb96ce88'],
  [5000, '832b8967b9f64144'],
]

describe('XXH3', () => {
  it.each(REFERENCE)('of %i bytes', (length, hash) => {
    const bytes = Uint8Array.from({length: length + 5}, (_, i) => ((i - 3) * 7 + length + ((i - 3) >> 5)) & 255)
    expect(xxh3(bytes, 3, 3 + length)).toBe(hash)
  })

  it('is what redis documents for DIGEST', () => {
    const value = Buffer.from('Hello world')
    expect(xxh3(value, 0, value.length)).toBe('b6acb9d84a38ff74')
  })
})
