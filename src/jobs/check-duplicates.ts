/**
 * What the indexes suspect to be there twice: confirmed by reading it again
 * where that can be done, told as a suspicion where it cannot.
 */
import type {SoundnessVisitor} from '../analysis/soundness.js'
import {keptKey} from '../keyspace/entry.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import type {KeyGroup, KeyIndex} from '../keyspace/key-index.js'
import type {RdbHeader} from '../rdb/versions.js'
import {EntriesAgain, FileAgain, type KeysAgain} from './check-again.js'

export interface DuplicateSearch {
  keys: KeyIndex
  elements: KeyIndex
  source: EntrySource
  /** Of an RDB file. */
  header: RdbHeader | undefined
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
    const refused = search.header === undefined ? BY_BUILD : BY_SERVERS
    for await (const group of search.keys.duplicates()) await reportKey(visitor, group, await again.keys(), refused)
    if (search.elements.count === 0) return
    for await (const group of search.elements.duplicates()) await reportElement(visitor, group, await again.elements())
  } finally {
    await again.close()
  }
}

const BY_SERVERS = 'servers end at a key that is there twice'
const BY_BUILD = 'build refuses a key that is there twice'

async function reportKey(
  visitor: SoundnessVisitor,
  group: KeyGroup,
  file: KeysAgain | undefined,
  refused: string,
): Promise<void> {
  const {findings} = visitor
  const [first = 0] = group.offsets
  const db = visitor.dbAt(first)
  if (file === undefined) {
    const text = `this key and the one at byte ${first} have the same fingerprint: ${refused}`
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
    const text = `the key is at byte ${before} as well: ${refused}${more(group)}`
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
  const {db, key, keyBytes, type} = visitor.huge.holding(first)
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
    const holding = visitor.huge.holding(offset)
    const element = await file.elementAt(holding, offset)
    // Two collections that are 4 GiB apart are one to the index.
    const name = `${holding.offset} ${Buffer.from(element).toString('latin1')}`
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

/** The file, opened again once it is needed; undefined where it cannot be read again. */
class Reopened {
  #stored: FileAgain | undefined
  #entries: EntriesAgain | undefined
  #groups = 0

  constructor(readonly search: DuplicateSearch) {}

  async keys(): Promise<KeysAgain | undefined> {
    const {source, header, path, bytes} = this.search
    if (header !== undefined) return await this.elements()
    if (path === undefined || this.#groups++ >= CONFIRMED_MAX) return undefined
    this.#entries ??= await EntriesAgain.open(path, source.format, bytes)
    return this.#entries
  }

  /** Only those of an RDB file stand for themselves. */
  async elements(): Promise<FileAgain | undefined> {
    const {path, header, bytes} = this.search
    if (path === undefined || header === undefined || this.#groups++ >= CONFIRMED_MAX) return undefined
    this.#stored ??= await FileAgain.open(path, header, bytes)
    return this.#stored
  }

  async close(): Promise<void> {
    await this.#stored?.close()
    await this.#entries?.close()
  }
}
