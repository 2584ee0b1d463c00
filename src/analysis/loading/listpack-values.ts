/**
 * What becomes of a value that is one listpack: looked at only at its ends, it
 * is walked all the same where it is too large to stay one, and the server
 * stops at whatever it meets there (redis 7.0 rdb.c, and *TypeConvert of t_*.c).
 */
import {LentBytes} from '../../bytes/lent.js'
import type {DistinctElements} from '../soundness-distinct.js'
import {BROKEN, NO_ENTRY, ServerListpack} from './listpacks.js'
import {isNanText, type ScoreParser} from './scores.js'
import {HASH_PACKED_MAX, type LoadContext, type Loaded, SET_PACKED_MAX, ZSET_PACKED_MAX} from './value-load.js'

export type ListpackShape = 'set' | 'zset' | 'hash' | 'hash-ttl'

/** Entries of one element, as they are stored, and as walking servers count them (valkey 9.1 has no fields with times here). */
const ENTRIES: Readonly<Record<ListpackShape, number>> = {set: 1, zset: 2, hash: 2, 'hash-ttl': 3}
const ELEMENTS_MAX: Readonly<Record<ListpackShape, number>> = {
  set: SET_PACKED_MAX,
  zset: ZSET_PACKED_MAX,
  hash: HASH_PACKED_MAX,
  'hash-ttl': HASH_PACKED_MAX,
}

const FIELD_TIME_HIGH_MAX = 0xffff

export class ListpackValues {
  readonly #listpack: ServerListpack
  readonly #members: DistinctElements
  readonly #text = new LentBytes(1)

  constructor(readonly context: LoadContext) {
    this.#listpack = new ServerListpack(context.loader)
    this.#members = context.elements.exact
  }

  /** One node of a list; returns how many entries a server takes it to have. */
  node(blob: LentBytes): number {
    const {loader, obstacles} = this.context
    const listpack = this.#listpack
    const walks = loader.listpacks === 'walked'
    if (!listpack.open(blob) || (walks && !listpack.walked())) {
      obstacles.add('refuses', 'BAD_LISTPACK', 'a node of a list is no sound listpack')
      return 1
    }
    return this.#counted(listpack.length())
  }

  load(blob: LentBytes, shape: ListpackShape): Loaded {
    const {loader, obstacles} = this.context
    const listpack = this.#listpack
    const isSound = listpack.open(blob) && (loader.listpacks !== 'walked' || this.#deep(shape))
    if (!isSound) {
      obstacles.add('refuses', 'BAD_LISTPACK', `a ${nameOf(shape)} is no sound listpack`)
      return 'whole'
    }
    const length = listpack.length()
    if (length === BROKEN) {
      this.#counted(BROKEN)
      return 'whole'
    }
    const elements = Math.floor(length / ENTRIES[shape])
    if (elements === 0) return 'empty'
    if (elements > ELEMENTS_MAX[shape]) this.#unpack(shape)
    else if (shape === 'hash-ttl') this.#firstTime()
    return 'whole'
  }

  #counted(length: number): number {
    if (length !== BROKEN) return length
    this.#breaks('a listpack that does not say how many entries it has cannot be counted')
    return 1
  }

  #breaks(text: string): void {
    this.context.obstacles.add('crashes', 'BAD_LISTPACK', text)
  }

  /** As valkey 9.1 looks: every entry, no element twice, none in part, no score that is no number. */
  #deep(shape: ListpackShape): boolean {
    const listpack = this.#listpack
    const each = ENTRIES[shape]
    this.#members.begin(Math.min(listpack.claimed, 65_536))
    let entries = 0
    const isSound = listpack.walked((p, index) => {
      entries++
      if (index % each === 0) return this.#isNew(p)
      return shape !== 'zset' || !this.#isNan(p, 'signed')
    })
    return isSound && entries % each === 0
  }

  #isNew(p: number): boolean {
    const text = this.#text
    this.#listpack.text(p, text)
    const {bytes, start, end} = text
    return !this.#members.hasRoom(end - start) || this.#members.add(bytes, start, end, 0) < 0
  }

  #isNan(p: number, parser: ScoreParser): boolean {
    if (this.#listpack.isInteger(p)) return false
    const text = this.#text
    this.#listpack.text(p, text)
    return isNanText(text, parser)
  }

  /** A server makes a table, or a skip list, of it. */
  #unpack(shape: ListpackShape): void {
    const listpack = this.#listpack
    this.#members.begin(1024)
    const each = ENTRIES[shape]
    let p = listpack.first()
    while (p >= 0) {
      if (!this.#isNew(p)) {
        this.#breaks(`a ${nameOf(shape)} to be unpacked has an element twice`)
        return
      }
      for (let i = 1; i < each; i++) {
        p = listpack.next(p)
        const isWrong =
          p < 0 ||
          (shape === 'zset' && this.#isNan(p, this.context.loader.packedScores)) ||
          (i === 2 && !this.#isTime(p))
        if (!isWrong) continue
        this.#breaks(`a ${nameOf(shape)} to be unpacked ends within an element, or has a score or a time that is none`)
        return
      }
      p = listpack.next(p)
    }
    if (p === BROKEN) this.#breaks(`a ${nameOf(shape)} to be unpacked holds an entry that is none`)
  }

  /** Redis 8.0 looks when the first field expires: a time must stand there. */
  #firstTime(): void {
    const p = this.#listpack.seek(2)
    if (p === NO_ENTRY) return
    if (p === BROKEN) this.#breaks('the time of the first field of a hash cannot be found')
    else if (!this.#isTime(p)) this.#breaks('the time of the first field of a hash is none')
  }

  #isTime(p: number): boolean {
    const listpack = this.#listpack
    return listpack.readInteger(p) && listpack.integer.high >= 0 && listpack.integer.high <= FIELD_TIME_HIGH_MAX
  }
}

function nameOf(shape: ListpackShape): string {
  if (shape === 'zset') return 'sorted set'
  return shape === 'hash-ttl' ? 'hash' : shape
}
