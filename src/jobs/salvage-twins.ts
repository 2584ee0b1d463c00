/**
 * Keys that a damaged snapshot holds twice, because part of it stands in
 * another place as well, or because what was taken for a key is none: of each
 * the one stays that is furthest behind damage, or not behind any, since that
 * is no guess. Of several such the first.
 */

import {LOSSES_MAX, type SnapshotSurvey} from '../analysis/snapshot-losses.js'
import {keysInto} from '../analysis/soundness.js'
import type {FileRegion} from '../bytes/region.js'
import {keptKey} from '../keyspace/entry.js'
import {KeyIndex} from '../keyspace/key-index.js'
import type {Passer} from '../keyspace/passer.js'
import {SKIP} from '../keyspace/visitor.js'
import {readPiece, type SnapshotPiece} from '../rdb/piece-source.js'
import {type RecordJudge, RecordWalker} from '../rdb/record-walker.js'
import type {RdbHeader} from '../rdb/versions.js'
import {FileAgain} from './check-again.js'

/** Found of one key at a time; of more it is looked again. */
const ALIKE_MAX = 256

/** Nothing is looked into: it has been before. */
const FRAMING: RecordJudge = {visitor: {entry: () => SKIP}, begin: () => {}, verdict: () => undefined}

interface Twin {
  offset: number
  end: number
}

export class TwinFinder {
  /** Left out. */
  count = 0
  readonly #places: Places

  constructor(
    readonly path: string,
    readonly fd: number,
    readonly region: FileRegion,
    readonly header: RdbHeader,
    readonly survey: SnapshotSurvey,
  ) {
    this.#places = new Places(survey.pieces)
  }

  /** Cuts all but one of each key out of the pieces. */
  async leaveOut(): Promise<void> {
    for (;;) {
      const {twins, isMore} = await this.#find()
      this.#cut(twins)
      if (!isMore) break
    }
    this.survey.lost.sort((a, b) => a.offset - b.offset)
  }

  async #find(): Promise<{twins: Twin[]; isMore: boolean}> {
    const {survey, header} = this
    const index = new KeyIndex({offsetsPerGroupMax: ALIKE_MAX})
    const again = await FileAgain.open(this.path, header, this.region.inputBytes)
    const walker = new RecordWalker(this.region, header, FRAMING, survey.templates)
    const twins: Twin[] = []
    let isMore = false
    try {
      for (const piece of survey.pieces) await this.#addKeys(piece, index)
      for await (const {offsets, count} of index.duplicates()) {
        const found = await this.#confirmed(offsets, again, walker)
        twins.push(...found)
        if (count > offsets.length && found.length > 0) isMore = true
      }
    } finally {
      index.close()
      await again.close()
    }
    return {twins: twins.sort((a, b) => a.offset - b.offset), isMore}
  }

  async #addKeys(piece: SnapshotPiece, index: KeyIndex): Promise<void> {
    const passer: Passer = {
      deep: false,
      types: -1,
      bytesEnd: Number.POSITIVE_INFINITY,
      elementsEnd: Number.POSITIVE_INFINITY,
      nowMs: 0,
      add: () => {},
      keys: keysInto(index),
    }
    await readPiece(this.fd, this.header, piece, this.survey.templates, {
      passer,
      entry: ({db, keyBytes: {bytes, start, end}, offset}) => {
        index.add(db, bytes, start, end, offset)
        return SKIP
      },
    })
  }

  /** Those of a group whose key is indeed that of another that stays. */
  async #confirmed(offsets: readonly number[], again: FileAgain, walker: RecordWalker): Promise<Twin[]> {
    const kept = new Map<string, number>()
    const twins: Twin[] = []
    for (const offset of offsets) {
      const {key} = await again.keyAt(offset)
      const name = Buffer.from(key).toString('latin1')
      const other = kept.get(name)
      const stays = other === undefined || this.#places.behindDamage(offset) > this.#places.behindDamage(other)
      if (stays) kept.set(name, offset)
      if (other === undefined) continue
      const twin = stays ? other : offset
      walker.walk(twin)
      twins.push({offset: twin, end: walker.end})
      this.#tell(twin, walker.end, stays ? offset : other, key)
    }
    return twins
  }

  #tell(offset: number, end: number, stays: number, key: Uint8Array): void {
    const {survey} = this
    this.count++
    survey.keys--
    survey.losses++
    survey.bytesLost += end - offset
    if (survey.lost.length >= LOSSES_MAX) return
    const {db} = survey.pieces.findLast(piece => piece.start <= offset)!
    survey.lost.push({
      offset,
      bytes: end - offset,
      key: {db, ...keptKey(key, 0, key.length, LOSSES_MAX)},
      before: undefined,
      after: undefined,
      code: 'DUPLICATE_KEY',
      reason: `the key is at byte ${stays} as well: that one stays`,
    })
  }

  #cut(twins: readonly Twin[]): void {
    const {survey} = this
    let next = 0
    const pieces: SnapshotPiece[] = []
    for (const {start, end, db} of survey.pieces) {
      let from = start
      for (; next < twins.length && twins[next]!.offset < end; next++) {
        const twin = twins[next]!
        if (twin.offset > from) pieces.push({start: from, end: twin.offset, db})
        from = twin.end
      }
      if (end > from) pieces.push({start: from, end, db})
    }
    survey.pieces = pieces
  }
}

/** Where pieces begin that damage comes before. */
class Places {
  readonly #starts: number[] = []

  constructor(pieces: readonly SnapshotPiece[]) {
    let end = -1
    for (const piece of pieces) {
      if (piece.start !== end) this.#starts.push(piece.start)
      end = piece.end
    }
  }

  /** How far behind damage an offset is, in bytes. */
  behindDamage(offset: number): number {
    const starts = this.#starts
    let low = 0
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return low === 0 ? Number.POSITIVE_INFINITY : offset - starts[low]!
  }
}
