/**
 * What becomes of a zipmap: every server makes something else of it (redis 6.0
 * and 7.0 zipmap.c, rdb.c).
 */
import {readUint32le} from '../../bytes/int64.js'
import type {LentBytes} from '../../bytes/lent.js'
import type {DistinctElements} from '../soundness-distinct.js'
import {HASH_PACKED_MAX, type LoadContext, type Loaded, PACKED_BYTES_MAX} from './value-load.js'

const END = 0xff
const LONG = 0xfe
const COUNT_UNKNOWN = 0xfe

/** Pairs, the longest text among them, and how the walk ended. */
interface Walk {
  pairs: number
  longest: number
  end: 'at its end' | 'unsound' | 'beyond'
  twice: boolean
}

export class ZipmapValues {
  readonly #members: DistinctElements

  constructor(readonly context: LoadContext) {
    this.#members = context.elements.exact
  }

  load(blob: LentBytes): Loaded {
    const {loader, obstacles} = this.context
    const careful = loader.ziplists !== 'believed'
    const {pairs, longest, end, twice} = this.#walk(blob, careful)
    if (careful) {
      const count = blob.bytes[blob.start]!
      const isSound = end === 'at its end' && pairs > 0 && (count === COUNT_UNKNOWN || count === pairs) && !twice
      if (!isSound) obstacles.add('refuses', 'BAD_ZIPMAP', 'a zipmap is not sound, is empty, or has a field twice')
      return 'whole'
    }
    if (end !== 'at its end') {
      obstacles.add('unsure', 'BAD_ZIPMAP', 'a zipmap is walked to where nobody knows what is there')
    } else if (twice && (pairs > HASH_PACKED_MAX || longest > PACKED_BYTES_MAX)) {
      obstacles.add('crashes', 'DUPLICATE_ELEMENT', 'a zipmap to be unpacked has a field twice')
    }
    return 'whole'
  }

  #walk({bytes, start, end}: LentBytes, careful: boolean): Walk {
    const last = end - 1
    const walk: Walk = {pairs: 0, longest: 0, end: 'at its end', twice: false}
    const stops = (how: Walk['end']): Walk => ({...walk, end: how})
    if (end - start < 2) return stops(careful ? 'unsound' : 'beyond')
    if (careful && bytes[last] !== END) return stops('unsound')
    this.#members.begin(1024)
    let p = start + 1
    while (bytes[p] !== END) {
      const field = this.#text(bytes, p)
      const value = field + this.#bytesAt(bytes, p)
      if (value > last) return stops(careful ? 'unsound' : 'beyond')
      const behind = this.#text(bytes, value)
      if (behind > last) return stops(careful ? 'unsound' : 'beyond')
      const next = behind + 1 + this.#bytesAt(bytes, value) + bytes[behind]!
      if (next > last) return stops(careful ? 'unsound' : 'beyond')
      walk.pairs++
      walk.longest = Math.max(walk.longest, value - field, this.#bytesAt(bytes, value))
      const size = value - field
      if (this.#members.hasRoom(size) && this.#members.add(bytes, field, value, 0) >= 0) walk.twice = true
      p = next
    }
    return walk
  }

  /** Where the text begins whose length stands at p; without the free byte of a value. */
  #text(bytes: Uint8Array, p: number): number {
    return p + (bytes[p]! < LONG ? 1 : 5)
  }

  #bytesAt(bytes: Uint8Array, p: number): number {
    return bytes[p]! < LONG ? bytes[p]! : readUint32le(bytes, p + 1)
  }
}
