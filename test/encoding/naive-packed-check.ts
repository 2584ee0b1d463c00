/** What a packed node is told to be wrong in, found the plain way: texts, a Set, and JavaScript's numbers. */
import {LentBytes} from '../../src/bytes/lent.js'
import {ListpackWalker} from '../../src/encoding/listpack.js'
import {ENTRIES_EACH, type PackedShape} from '../../src/encoding/packed-check.js'
import {ZiplistWalker} from '../../src/encoding/ziplist.js'
import {textOf} from './damage.js'

const latin1Of = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The codes with their places, from texts and a Set. */
export function naive(kind: 'listpack' | 'ziplist', shape: PackedShape, blob: Uint8Array): Set<string> {
  const walker = kind === 'listpack' ? new ListpackWalker() : new ZiplistWalker()
  walker.open(blob, 0, blob.length, 0)
  const entries: NaiveEntry[] = []
  const into = new LentBytes(0)
  for (;;) {
    const {position: at, isInteger} = walker
    if (!walker.next(into)) break
    entries.push({at, text: textOf(into), isInteger})
  }
  const found = new Set<string>()
  const each = ENTRIES_EACH[shape]
  if (entries.length === 0) found.add(`EMPTY_COLLECTION ${kind === 'listpack' ? 4 : 8}`)
  const whole = Math.floor(entries.length / each)
  if (whole * each < entries.length) found.add(`ODD_ENTRIES ${entries[whole * each]!.at}`)
  const seen = new Set<string>()
  for (let i = 0; i < whole && shape !== 'list'; i++) {
    const {at, text} = entries[i * each]!
    if (seen.has(text)) found.add(`DUPLICATE_ELEMENT ${at}`)
    seen.add(text)
  }
  const rows = Array.from({length: whole}, (_, i) => entries.slice(i * each, (i + 1) * each))
  if (shape === 'zset') for (const one of naiveScores(rows)) found.add(one)
  if (shape === 'hash-ttl') for (const one of naiveTimes(rows)) found.add(one)
  return found
}

interface NaiveEntry {
  at: number
  text: string
  isInteger: boolean
}

export function naiveScore(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return /\d/.test(text) ? Number(text) : Number.NaN
}

function* naiveScores(rows: NaiveEntry[][]): Generator<string> {
  let before: {score: number; member: Buffer} | undefined
  for (const [member, score] of rows as [NaiveEntry, NaiveEntry][]) {
    const one = {score: naiveScore(score.text), member: latin1Of(member.text)}
    if (Number.isNaN(one.score)) yield `BAD_SCORE ${score.at}`
    const isLess = before !== undefined && one.score < before.score
    const isEqual = before !== undefined && one.score === before.score
    if (isLess || (isEqual && one.member.compare(before!.member) < 0)) yield `UNSORTED ${member.at}`
    before = one
  }
}

function* naiveTimes(rows: NaiveEntry[][]): Generator<string> {
  let before = 0
  for (const [field, , time] of rows as [NaiveEntry, NaiveEntry, NaiveEntry][]) {
    const value = time.isInteger ? Number(time.text) : -1
    if (value < 0 || value >= 2 ** 48) {
      yield `BAD_EXPIRY ${time.at}`
      continue
    }
    const order = value === 0 ? Number.POSITIVE_INFINITY : value
    if (order < before) yield `UNSORTED ${field.at}`
    before = order
  }
}
