/** What benchmark values are made of: letters that do not compress, words that do, and records that look like JSON. */

import {createCipheriv} from 'node:crypto'
import {Random} from '../fixtures/deterministic.js'

const POOL_LENGTH = 1 << 20
const WORDS =
  'account active address amount basket billing brand browser cancelled category city client confirmed country created ' +
  'currency customer default delivery description device discount email enabled expires first invoice item language last ' +
  'location login mobile name notes number order package paid payment pending phone picture price primary product profile ' +
  'quantity rating reference region returned role score session shipping size status stock street subtotal tax title total ' +
  'tracking type updated value variant verified version visits warehouse weight zone'

export class CorpusText {
  /** @param {number} seed */
  constructor(seed) {
    this.random = new Random(seed)
    this.pool = this.random.letters(POOL_LENGTH)
    this.words = WORDS.split(' ')
  }

  /** @param {number} end exclusive */
  below(end) {
    return this.random.below(end)
  }

  /**
   * Between the two, both included.
   * @param {number} low
   * @param {number} high
   */
  between(low, high) {
    return low + this.random.below(high - low + 1)
  }

  /** @param {number} length */
  letters(length) {
    const start = this.random.below(POOL_LENGTH - length)
    return this.pool.slice(start, start + length)
  }

  word() {
    return /** @type {string} */ (this.words[this.random.below(this.words.length)])
  }

  /** @param {number} count */
  sentence(count) {
    let text = this.word()
    for (let index = 1; index < count; index++) text += ` ${this.word()}`
    return text
  }

  /**
   * A record as applications store them: names repeat, ids and times do not.
   * @param {number} id
   * @param {number} items
   */
  record(id, items) {
    let text = `{"id":${id},"uuid":"${this.letters(22)}","created":${1_600_000_000 + this.below(150_000_000)},"status":"${this.word()}",`
    text += `"customer":{"name":"${this.sentence(2)}","email":"${this.word()}.${this.below(100_000)}@example.com","city":"${this.word()}"},"items":[`
    for (let index = 0; index < items; index++) {
      if (index > 0) text += ','
      text += `{"product":"${this.letters(8)}","title":"${this.sentence(4)}","quantity":${this.below(9) + 1},"price":${this.below(100_000) / 100}}`
    }
    return `${text}],"total":${this.below(10_000_000) / 100}}`
  }
}

/**
 * Bytes without pattern, always the same ones: a cipher's stream under a fixed key.
 * @param {number} pieces
 * @param {number} pieceBytes
 */
export function* noise(pieces, pieceBytes) {
  const cipher = createCipheriv('aes-128-ctr', Buffer.from('rdbtool-corpus-0'), Buffer.alloc(16))
  const zeros = Buffer.alloc(pieceBytes)
  for (let index = 0; index < pieces; index++) yield cipher.update(zeros)
}
