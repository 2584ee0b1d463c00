/**
 * What the indexes suspect to be there twice: confirmed by reading it again
 * where that can be done, told as a suspicion where it cannot.
 */
import type {SoundnessVisitor} from '../analysis/soundness.js'
import type {HugeCollection} from '../analysis/soundness-huge.js'
import {keptKey} from '../keyspace/entry.js'
import type {KeyGroup, KeyIndex} from '../keyspace/key-index.js'
import type {RdbHeader} from '../rdb/versions.js'
import {FileAgain} from './check-again.js'

export interface DuplicateSearch {
  keys: KeyIndex
  elements: KeyIndex
  header: RdbHeader
  /** Where offsets can be read again. */
  path: string | undefined
  bytes: number
}

/** Groups that are confirmed: of a file with more of them, nobody needs to hear that each is no chance. */
const CONFIRMED_MAX = 10_000

/** Adds what is there twice to the findings. */
export async function reportDuplicates(visitor: SoundnessVisitor, search: DuplicateSearch): Promise<void> {
  const again = new Reopened(search)
  try {
    for await (const group of search.keys.duplicates()) await reportKey(visitor, group, await again.file())
    if (search.elements.count === 0) return
    for await (const group of search.elements.duplicates()) await reportElement(visitor, group, await again.file())
  } finally {
    await again.close()
  }
}

async function reportKey(visitor: SoundnessVisitor, group: KeyGroup, file: FileAgain | undefined): Promise<void> {
  const {findings} = visitor
  const [first = 0] = group.offsets
  const db = visitor.dbAt(first)
  if (file === undefined) {
    const text = `this key and the one at byte ${first} have the same fingerprint: servers end at a key that is there twice`
    for (const offset of group.offsets.slice(1)) {
      findings.add({code: 'DUPLICATE_KEY_SUSPECTED', severity: 'error', offset, text: text + more(group), db})
    }
    return
  }
  const firsts = new Map<string, number>()
  for (const offset of group.offsets) {
    const {key, type} = await file.keyAt(offset)
    const name = Buffer.from(key).toString('latin1')
    const before = firsts.get(name)
    firsts.set(name, before ?? offset)
    if (before === undefined) continue
    const text = `the key is at byte ${before} as well: servers end at a key that is there twice${more(group)}`
    findings.add({
      code: 'DUPLICATE_KEY',
      severity: 'error',
      offset,
      text,
      db,
      ...keptKey(key, 0, key.length, findings.keptMax),
      type,
    })
  }
}

async function reportElement(visitor: SoundnessVisitor, group: KeyGroup, file: FileAgain | undefined): Promise<void> {
  const [first = 0] = group.offsets
  const {db, key, keyBytes, type, ...collection} = visitor.huge.holding(first)
  const place = {db, key, keyBytes, type}
  const severity = 'error'
  const {findings} = visitor
  if (file === undefined) {
    for (const offset of group.offsets.slice(1)) {
      const text = `this element and the one at byte ${first} have the same fingerprint${more(group)}`
      findings.add({code: 'DUPLICATE_ELEMENT_SUSPECTED', severity, offset, text, ...place})
    }
    return
  }
  const firsts = new Map<string, number>()
  for (const offset of group.offsets) {
    const element = await file.elementAt(collection as HugeCollection, offset)
    const name = Buffer.from(element).toString('latin1')
    const before = firsts.get(name)
    firsts.set(name, before ?? offset)
    if (before === undefined) continue
    const what = type === 'hash' ? 'this field' : 'this member'
    const text = `${what} stands at byte ${before} as well${more(group)}`
    findings.add({code: 'DUPLICATE_ELEMENT', severity, offset, text, ...place})
  }
}

/** A group knows so many of its offsets. */
function more({count, offsets}: KeyGroup): string {
  return count > offsets.length ? ` (${count} times in all)` : ''
}

/** The file, opened again once it is needed. */
class Reopened {
  #file: FileAgain | undefined
  #groups = 0

  constructor(readonly search: DuplicateSearch) {}

  /** Undefined where it cannot be read again. */
  async file(): Promise<FileAgain | undefined> {
    const {path, header, bytes} = this.search
    if (path === undefined || this.#groups++ >= CONFIRMED_MAX) return undefined
    this.#file ??= await FileAgain.open(path, header, bytes)
    return this.#file
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
