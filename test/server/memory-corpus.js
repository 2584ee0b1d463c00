/**
 * Random keyspaces for the memory model: every type and encoding, small and huge, with and without expiries, in several
 * databases. The same seed makes the same commands.
 */

/** @typedef {string[]} Command */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_'
const DATABASES = 4
const FIRST_MS = 1_700_000_000_000
/** Nothing expires while it is measured. */
const TTL_MS = 500_000_000

/** Whether a server's hash fields can expire by themselves. @param {string} server */
export function fieldsExpire(server) {
  return ['redis-8.0', 'valkey-9.1'].includes(server)
}

/** mulberry32: small, and good enough for sizes. @param {number} seed */
export function random(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Maker {
  /**
   * @param {number} seed
   * @param {string} server
   */
  constructor(seed, server) {
    this.next = random(seed)
    this.fieldTtl = fieldsExpire(server)
    /** @type {Command[]} */
    this.commands = []
    this.keys = 0
    /** What most text is cut from: letter by letter it would take longer than the servers do. */
    this.pool = Array.from({length: 1 << 16}, () => LETTERS[this.below(LETTERS.length)]).join('')
  }

  /** @param {number} end */
  below(end) {
    return Math.floor(this.next() * end)
  }

  /** Small ones more often than large ones. @param {number} end */
  upTo(end) {
    return Math.max(1, Math.round(Math.exp(this.next() * Math.log(end))))
  }

  /** @param {number} length */
  text(length) {
    let text = ''
    while (text.length < length) {
      const start = this.below(this.pool.length - 64)
      text += this.pool.slice(start, start + Math.min(64, length - text.length))
    }
    return text
  }

  /** One key in four is long. @param {string} kind */
  key(kind) {
    return `${kind}:${this.keys++}${this.text(this.below(4) === 0 ? this.below(140) : this.below(24))}`
  }

  /** A value that is a number one time in four. @param {number} longest */
  value(longest) {
    return this.below(4) === 0 ? String(this.below(2 ** this.below(33))) : this.text(this.upTo(longest))
  }

  /**
   * Many arguments in commands of at most a thousand.
   * @param {string[]} head
   * @param {string[]} tail
   * @param {number} [step] arguments that belong together
   */
  many(head, tail, step = 1) {
    const each = 1000 * step
    for (let i = 0; i < tail.length; i += each) this.commands.push([...head, ...tail.slice(i, i + each)])
  }

  /** @param {string} key */
  maybeExpire(key) {
    if (this.below(3) === 0) this.commands.push(['PEXPIRE', key, String(TTL_MS + this.below(TTL_MS))])
  }

  /**
   * @template T
   * @param {number} count
   * @param {(i: number) => T} make
   */
  times(count, make) {
    return Array.from({length: count}, (_, i) => make(i))
  }
}

/** @type {Record<string, (make: Maker) => void>} */
const FAMILIES = {
  string(make) {
    const key = make.key('string')
    const large = make.below(20) === 0
    make.commands.push(['SET', key, make.text(large ? make.upTo(300_000) : make.below(make.below(4) === 0 ? 600 : 80))])
    make.maybeExpire(key)
  },
  number(make) {
    const key = make.key('number')
    make.commands.push(['SET', key, String(make.below(2 ** (1 + make.below(40))) * (make.below(4) === 0 ? -1 : 1))])
    make.maybeExpire(key)
  },
  list(make) {
    const key = make.key('list')
    const longest = make.upTo(400)
    const count = make.below(8) === 0 ? make.upTo(10_000) : make.upTo(300)
    make.many(
      ['RPUSH', key],
      make.times(count, () => make.value(longest)),
    )
    // Elements that get nodes of their own.
    if (make.below(6) === 0) make.commands.push(['RPUSH', key, make.text(9000 + make.below(30_000)), make.text(8)])
    make.maybeExpire(key)
  },
  intset(make) {
    const key = make.key('intset')
    const range = 2 ** (8 + make.below(42))
    make.many(
      ['SADD', key],
      make.times(make.upTo(make.below(4) === 0 ? 3000 : 500), () => String(make.below(range))),
    )
    make.maybeExpire(key)
  },
  set(make) {
    const key = make.key('set')
    const longest = make.upTo(150)
    const count = make.below(8) === 0 ? make.upTo(10_000) : make.upTo(400)
    make.many(
      ['SADD', key],
      make.times(count, i => `${i}${make.text(make.below(longest))}`),
    )
    make.maybeExpire(key)
  },
  zset(make) {
    const key = make.key('zset')
    const longest = make.upTo(100)
    const count = make.below(8) === 0 ? make.upTo(10_000) : make.upTo(400)
    const whole = make.below(2) === 0
    const pairs = make.times(count, i => [
      String(whole ? make.below(1_000_000) : make.next() * 1000),
      `${i}${make.text(make.below(longest))}`,
    ])
    make.many(['ZADD', key], pairs.flat(), 2)
    make.maybeExpire(key)
  },
  hash(make) {
    const key = make.key('hash')
    const longest = make.upTo(make.below(3) === 0 ? 400 : 63)
    const count = make.below(8) === 0 ? make.upTo(8000) : make.upTo(700)
    const pairs = make.times(count, i => [`${i}${make.text(make.below(make.upTo(60)))}`, make.value(longest)])
    make.many(['HSET', key], pairs.flat(), 2)
    make.maybeExpire(key)
  },
  /** Large once, small now: stored as tables, packed by whoever loads them. */
  shrunken(make) {
    const kind = make.below(3)
    const key = make.key('shrunken')
    const names = make.times(600, i => `${i}${make.text(make.below(20))}`)
    const [add, remove, ...values] = /** @type {[string, string, ...string[]]} */ (
      kind === 0 ? ['SADD', 'SREM'] : kind === 1 ? ['HSET', 'HDEL', 'v'] : ['ZADD', 'ZREM', '1']
    )
    make.commands.push([add, key, ...names.flatMap(name => (kind === 2 ? [...values, name] : [name, ...values]))])
    make.commands.push([remove, key, ...names.slice(make.upTo(300))])
  },
  expiringHash(make) {
    if (!make.fieldTtl) return
    const key = make.key('expiring')
    const count = make.below(8) === 0 ? make.upTo(4000) : make.upTo(600)
    const longest = make.upTo(make.below(3) === 0 ? 300 : 63)
    const names = make.times(count, i => `${i}${make.text(make.below(make.upTo(60)))}`)
    make.many(
      ['HSET', key],
      names.flatMap(name => [name, make.value(longest)]),
      2,
    )
    const share = make.next()
    const range = 2 ** make.below(28)
    for (const name of names) {
      if (make.next() > share) continue
      make.commands.push(['HPEXPIRE', key, String(TTL_MS + make.below(range)), 'FIELDS', '1', name])
    }
    make.maybeExpire(key)
  },
  stream(make) {
    const key = make.key('stream')
    const count = make.below(8) === 0 ? make.upTo(6000) : make.upTo(400)
    const gap = make.upTo(100_000)
    const longest = make.upTo(make.below(6) === 0 ? 1500 : 60)
    const same = make.below(2) === 0
    let ms = FIRST_MS
    for (let i = 0; i < count; i++) {
      ms += make.below(gap)
      const name = same ? 'name' : make.text(1 + make.below(12))
      make.commands.push(['XADD', key, `${ms}-${i}`, name, make.text(make.upTo(longest)), 'n', String(i)])
    }
    if (make.below(4) === 0) make.commands.push(['XTRIM', key, 'MAXLEN', String(Math.ceil(count / 2))])
    if (make.below(3) > 0) return
    const groups = make.upTo(6)
    for (let g = 0; g < groups; g++) {
      const group = `group-${g}-${make.text(make.below(20))}`
      make.commands.push(['XGROUP', 'CREATE', key, group, '0'])
      const consumers = make.upTo(12)
      for (let c = 0; c < consumers; c++) {
        const name = `consumer-${c}-${make.text(make.below(20))}`
        const some = String(make.upTo(count))
        make.commands.push(['XREADGROUP', 'GROUP', group, name, 'COUNT', some, 'STREAMS', key, '>'])
      }
    }
    make.maybeExpire(key)
  },
}

/** Keys of each family for one of another. */
const SHARES = {
  string: 8,
  number: 4,
  list: 3,
  intset: 2,
  set: 3,
  zset: 3,
  hash: 4,
  shrunken: 1,
  expiringHash: 2,
  stream: 3,
}

/**
 * The commands of a keyspace of about 33 keys for each of `scale`, in batches for one database each.
 * @param {number} seed
 * @param {string} server whom they are for: not every one knows expiring fields
 * @param {number} scale
 * @returns {Generator<Command[]>}
 */
export function* keyspaceCommands(seed, server, scale) {
  const make = new Maker(seed, server)
  for (let db = 0; db < DATABASES; db++) {
    make.commands.push(['SELECT', String(db)])
    // Databases of different sizes: half, a quarter, and so on.
    for (let round = 0; round < Math.ceil(scale / 2 ** (db + 1)); round++) {
      for (const [family, share] of Object.entries(SHARES)) {
        for (let i = 0; i < share; i++) FAMILIES[family]?.(make)
      }
      yield make.commands
      make.commands = []
    }
  }
}
