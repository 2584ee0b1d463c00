/**
 * Items of a vector set, which redis 8.0 loads by itself (vset.c VectorSetRdbLoad, hnsw.c hnsw_insert_serialized and
 * hnsw_deserialize_index):
 *
 *   dim  elements  config: m << 8 | quantization  flags: 1 projected, 2 attributes   [input dim  "matrix"]
 *   element   "name"  ["attributes"]  "vector"  count  parameter * count
 *   node      id  version << 24 | level   level + 1 times: links  room for links  id * links  [worst]   norm and range
 *
 * A link must lead both ways. Only sums of them are kept, however many there are.
 */

const QUANTIZATIONS = [
  (dim: number): number => 4 * dim,
  (dim: number): number => dim,
  (dim: number): number => 8 * Math.ceil(dim / 64),
]
const PROJECTED = 1
const ATTRIBUTES = 2
const LINKS_MAX = 4 * 4096
const VERSION_MAX = 1
const HEAD = 4

type State = 'head' | 'input' | 'matrix' | 'name' | 'attributes' | 'vector' | 'count' | 'parameters' | 'end'

export class VectorsetItems {
  #state: State = 'head'
  readonly #head: number[] = []
  #left = 0
  #parameters = 0
  readonly #node: number[] = []
  /** Of all links, each mixed the same from both of its ends. */
  #one = 0
  #two = 0

  begin(): void {
    this.#state = 'head'
    this.#head.length = 0
    this.#one = this.#two = 0
  }

  /** Takes a number; false where the module does not load what has it here. */
  number(value: number): boolean {
    switch (this.#state) {
      case 'head':
        this.#head.push(value)
        return this.#head.length < HEAD || this.#begun()
      case 'input':
        this.#state = 'matrix'
        return true
      case 'count':
        this.#parameters = value % 2 ** 32
        this.#node.length = 0
        this.#state = 'parameters'
        return this.#parameters > 0
      case 'parameters':
        this.#node.push(value)
        return this.#node.length < this.#parameters || (this.#isNode() && this.#next())
      default:
        return false
    }
  }

  /** Takes a string of so many bytes. */
  text(bytes: number): boolean {
    switch (this.#state) {
      case 'matrix':
        this.#left++
        return this.#next()
      case 'name':
        this.#state = this.#flag(ATTRIBUTES) ? 'attributes' : 'vector'
        return true
      case 'attributes':
        this.#state = 'vector'
        return true
      case 'vector':
        this.#state = 'count'
        return bytes === QUANTIZATIONS[this.#quantization]!(this.#head[0]! % 2 ** 32)
      default:
        return false
    }
  }

  /** The end mark is met. */
  get isWhole(): boolean {
    return this.#state === 'end' && this.#one === 0 && this.#two === 0
  }

  get #quantization(): number {
    return this.#head[2]! % 256
  }

  #flag(bit: number): boolean {
    return (this.#head[3]! & bit) !== 0
  }

  #begun(): boolean {
    if (QUANTIZATIONS[this.#quantization] === undefined) return false
    // The one that is taken away again is the matrix.
    this.#left = this.#head[1]! + 1
    if (this.#flag(PROJECTED)) this.#state = 'input'
    else this.#next()
    return true
  }

  #next(): boolean {
    this.#left--
    this.#state = this.#left === 0 ? 'end' : 'name'
    return true
  }

  /** Whether the parameters are those of a node. */
  #isNode(): boolean {
    const node = this.#node
    const [id = 0, packed = 0] = node
    const version = (packed >>> 24) & 0xff
    if (node.length < 2 || version > VERSION_MAX) return false
    let at = 2
    for (let level = 0; level <= (packed & 0xff); level++) {
      if (at + 2 + version > node.length) return false
      const links = node[at]! % 2 ** 32
      const room = node[at + 1]! % 2 ** 32
      at += 2
      if (links > room || room > LINKS_MAX || at + links + version > node.length) return false
      if (!this.#linked(id, level, at, at + links)) return false
      at += links
      if (version > 0 && links > 0 && node[at]! % 2 ** 32 >= links) return false
      at += version
    }
    return at < node.length
  }

  #linked(id: number, level: number, from: number, to: number): boolean {
    const links = this.#node.slice(from, to).sort((a, b) => a - b)
    for (const [i, other] of links.entries()) {
      if (other === id || other === links[i - 1]) return false
      const [low, high] = id < other ? [id, other] : [other, id]
      this.#one ^= mixed(low, high, level, 0x9e3779b9)
      this.#two ^= mixed(high, low, level, 0x85ebca6b)
    }
    return true
  }
}

function mixed(one: number, two: number, level: number, seed: number): number {
  let hash = seed ^ level
  for (const part of [one, one / 2 ** 32, two, two / 2 ** 32]) {
    hash = Math.imul(hash ^ (part >>> 0), 0xcc9e2d51)
    hash = Math.imul(hash ^ (hash >>> 15), 0x1b873593)
    hash ^= hash >>> 13
  }
  return hash
}
