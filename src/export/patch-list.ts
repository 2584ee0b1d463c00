/**
 * What differs of a list, as commands: what both begin with and end in stays where it is, as far as there is a command for
 * that.
 *
 *   as many      LSET k i v, of few of them      in front      LTRIM k n -1, LPUSH k v ...
 *   otherwise    LTRIM k 0 i, RPUSH k v ...      from the first    DEL k, RPUSH k v ...
 */
import {writeInteger} from '../aof/arguments.js'
import {type Batch, writeKeyCommand} from '../aof/batch.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import type {ChangedKey, Run} from '../keyspace/difference.js'
import {bulk, putBulk, writeBulk} from '../resp/framing.js'

const DEL = bulk('DEL')
const RPUSH = bulk('RPUSH')
const LPUSH = bulk('LPUSH')
const LSET = bulk('LSET')
const LTRIM = bulk('LTRIM')

/** More items of a list are not set one by one, each of which a server has to walk to; nor held to be turned round. */
const ITEMS_MAX = 256
const ITEMS_BYTES_MAX = 64 * 1024

export class ListPatch {
  #key!: ChangedKey
  /** Items that were set one by one. */
  #set = 0
  /** All behind what differed first has been pushed anew. */
  #complete = false
  readonly #number = new ByteWriter()
  readonly #lent = new LentBytes(0)

  constructor(
    readonly out: ByteOutput,
    readonly adding: Batch,
  ) {}

  begin(key: ChangedKey): void {
    this.#key = key
    this.#set = 0
    this.#complete = false
  }

  /** Of several that differ each has as many on both sides. */
  items(at: number, before: Run, after: Run): void {
    if (this.#complete) return
    const total = this.#key.after.elements
    const tail = total - at - after.count
    if (before.count === after.count && this.#set + after.count <= ITEMS_MAX) {
      this.#set += after.count
      this.#each(after, (i, {bytes, start, end}) => {
        writeKeyCommand(this.out, 4, LSET, this.#key.keyBytes)
        this.#integer(at + i)
        writeBulk(this.out, bytes, start, end)
      })
    } else if (at === 0 && tail > 0 && before.count !== after.count && this.#isShort(after)) {
      if (before.count > 0) this.#trim(before.count, -1)
      this.#pushInFront(after)
    } else {
      if (at === 0) writeKeyCommand(this.out, 2, DEL, this.#key.keyBytes)
      else if (before.count > 0 || tail > 0) this.#trim(0, at - 1)
      this.#pushBehind({...after, count: total - at})
      this.#complete = true
    }
  }

  #isShort(run: Run): boolean {
    if (run.count > ITEMS_MAX) return false
    let bytes = 0
    this.#each(run, (_, {start, end}) => {
      bytes += end - start
    })
    return bytes <= ITEMS_BYTES_MAX
  }

  #pushInFront(run: Run): void {
    if (run.count === 0) return
    const items: Uint8Array[] = []
    this.#each(run, (_, item) => items.push(item.copy()))
    writeKeyCommand(this.out, 2 + items.length, LPUSH, this.#key.keyBytes)
    for (const item of items.reverse()) writeBulk(this.out, item, 0, item.length)
  }

  #pushBehind(run: Run): void {
    const {adding} = this
    this.#each(run, (_, {bytes, start, end}) => {
      if (!adding.takes(end - start)) adding.flush(RPUSH, this.#key)
      putBulk(adding.args, bytes, start, end)
      adding.argc++
    })
    adding.flush(RPUSH, this.#key)
  }

  #trim(from: number, to: number): void {
    writeKeyCommand(this.out, 4, LTRIM, this.#key.keyBytes)
    this.#integer(from)
    this.#integer(to)
  }

  #each({log, from, count}: Run, take: (i: number, item: LentBytes) => void): void {
    const lent = this.#lent
    log.goTo(from)
    for (let i = 0; i < count && log.next(lent); i++) take(i, lent)
  }

  #integer(value: number): void {
    writeInteger(this.#number, value)
    this.out.copy(this.#number.bytes, 0, this.#number.length)
    this.#number.reset()
  }
}
