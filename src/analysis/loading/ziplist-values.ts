/**
 * What becomes of a value that is a ziplist. Servers from 7.0 on walk it with
 * care; redis 6.0 walks it blindly, and only where it has to.
 */
import {LentBytes} from '../../bytes/lent.js'
import type {DistinctElements} from '../soundness-distinct.js'
import {isNanText} from './scores.js'
import {HASH_PACKED_MAX, type LoadContext, type Loaded, ZSET_PACKED_MAX} from './value-load.js'
import {BEYOND, NO_ENTRY, ServerZiplist} from './ziplists.js'

type Pairs = 'zset' | 'hash'

/** Scores longer than this overrun redis 6.0's buffer for them. */
const SCORE_BYTES_MAX = 127

export class ZiplistValues {
  readonly #ziplist = new ServerZiplist()
  readonly #members: DistinctElements
  readonly #text = new LentBytes(1)

  constructor(readonly context: LoadContext) {
    this.#members = context.elements.exact
  }

  /** One node of a list; returns how many entries a server takes it to have. */
  node(blob: LentBytes): number {
    const {loader} = this.context
    const ziplist = this.#ziplist
    const isFramed = ziplist.open(blob)
    if (loader.ziplists === 'believed') return this.#entries(ziplist.length())
    if (!isFramed) return this.#refuse()
    if (loader.ziplists === 'framed') return this.#entries(ziplist.length())
    let entries = 0
    if (!ziplist.walked(() => ++entries > 0)) return this.#refuse()
    return entries
  }

  list(blob: LentBytes): Loaded {
    const {loader} = this.context
    const ziplist = this.#ziplist
    const isFramed = ziplist.open(blob)
    if (loader.ziplists === 'believed') {
      this.#walkBlindly()
      return 'whole'
    }
    if (!isFramed) {
      this.#refuse()
      return 'whole'
    }
    if (loader.ziplists === 'framed') return this.#walkBlindly() === 0 ? 'empty' : 'whole'
    let entries = 0
    if (!ziplist.walked(() => ++entries > 0)) entries = this.#refuse()
    return entries === 0 ? 'empty' : 'whole'
  }

  pairs(blob: LentBytes, shape: Pairs): Loaded {
    const {loader} = this.context
    const isFramed = this.#ziplist.open(blob)
    if (loader.ziplists === 'walked') return isFramed ? this.#walkedPairs(shape) : this.#refused()
    if (!isFramed && loader.ziplists === 'framed') return this.#refused()
    const entries = this.#entries(this.#ziplist.length())
    const pairs = Math.floor(entries / 2)
    if (pairs === 0 && loader.emptyKeys === 'skipped') return 'empty'
    if (pairs > (shape === 'hash' ? HASH_PACKED_MAX : ZSET_PACKED_MAX)) this.#unpackBlindly(shape)
    return 'whole'
  }

  #walkedPairs(shape: Pairs): Loaded {
    const {loader, obstacles} = this.context
    const ziplist = this.#ziplist
    this.#members.begin(Math.min(ziplist.claimed, 65_536))
    let entries = 0
    let nan = false
    const isSound = ziplist.walked((p, index) => {
      entries++
      ziplist.text(p, this.#text)
      if (index % 2 === 0) return this.#isNew()
      const scores = loader.listpacks === 'walked' ? 'signed' : loader.packedScores
      if (shape === 'zset' && isNanText(this.#text, scores)) nan = true
      return true
    })
    if (!isSound || entries % 2 === 1) return this.#refused()
    if (entries === 0) return 'empty'
    // A sorted set that stays packed keeps it; a skip list cannot.
    if (nan && loader.listpacks === 'walked') obstacles.add('refuses', 'BAD_SCORE', 'a score is not a number')
    else if (nan && entries / 2 > ZSET_PACKED_MAX) obstacles.add('crashes', 'BAD_SCORE', 'a score is not a number')
    return 'whole'
  }

  #isNew(): boolean {
    const {bytes, start, end} = this.#text
    return !this.#members.hasRoom(end - start) || this.#members.add(bytes, start, end, 0) < 0
  }

  #refuse(): number {
    this.context.obstacles.add('refuses', 'BAD_ZIPLIST', 'a ziplist is not sound, or has an element twice or in part')
    return 1
  }

  #refused(): Loaded {
    this.#refuse()
    return 'whole'
  }

  /** What a count or a walk came to, which may not have come to its end. */
  #entries(length: number): number {
    if (length >= 0) return length
    this.#ends(length)
    return 1
  }

  #ends(how: number): void {
    const {obstacles} = this.context
    if (how === BEYOND)
      obstacles.add('unsure', 'BAD_ZIPLIST', 'a ziplist is walked to where nobody knows what is there')
    else obstacles.add('crashes', 'BAD_ZIPLIST', 'a ziplist is walked to an entry that is none')
  }

  /** A list is made of it entry by entry. */
  #walkBlindly(): number {
    const ziplist = this.#ziplist
    if (!ziplist.hasHeader) return this.#entries(BEYOND)
    let entries = 0
    let p = ziplist.first()
    for (; p >= 0; p = ziplist.next(p)) {
      const whole = ziplist.whole(p)
      if (whole < 0) return this.#entries(whole)
      entries++
    }
    return p === NO_ENTRY ? entries : this.#entries(p)
  }

  #unpackBlindly(shape: Pairs): void {
    const {obstacles} = this.context
    const ziplist = this.#ziplist
    this.#members.begin(1024)
    let p = ziplist.first()
    for (let index = 0; ; index++, p = ziplist.next(p)) {
      if (p === NO_ENTRY) {
        const none = index === 0 && shape === 'zset'
        if (index % 2 === 1 || none)
          obstacles.add('crashes', 'BAD_ZIPLIST', 'a ziplist to be unpacked ends within an element')
        return
      }
      const whole = p < 0 ? p : ziplist.whole(p)
      if (whole < 0) {
        this.#ends(whole)
        return
      }
      ziplist.text(p, this.#text)
      if (!this.#isUnpacked(shape, index)) return
    }
  }

  /** Whether the server goes on behind the entry that is in `text`. */
  #isUnpacked(shape: Pairs, index: number): boolean {
    const {obstacles} = this.context
    if (index % 2 === 0) {
      if (this.#isNew()) return true
      obstacles.add('crashes', 'DUPLICATE_ELEMENT', 'a ziplist to be unpacked has an element twice')
      return false
    }
    if (shape === 'hash') return true
    if (this.#text.end - this.#text.start > SCORE_BYTES_MAX) {
      obstacles.add('unsure', 'BAD_SCORE', 'a score is longer than the room for one')
      return false
    }
    if (!isNanText(this.#text, this.context.loader.packedScores)) return true
    obstacles.add('crashes', 'BAD_SCORE', 'a score is not a number')
    return false
  }
}
