/** A small keyspace, and the smallest changes of it that the oracle must notice, one at a time. */

type Command = (string | number | Buffer)[]

export interface Change {
  what: string
  commands: Command[]
  /** The lines of the fingerprint that tell it, in their order. */
  told: RegExp[]
  /** DEBUG DIGEST stays the same; on some servers only, where it says which. */
  blind: boolean | ((server: string) => boolean)
  only?: (server: string, line: number) => boolean
}

export const YEAR_2100 = 4_102_444_800_000
const DELIVERED = 1_700_000_000_000
const BINARY = Buffer.from([0xff, 0x00, 0x80])
const CODE = "#!lua name=lib\nredis.register_function('one', function() return 1 end)"

const from7 = (_: string, line: number): boolean => line >= 7
const fieldsExpire = (server: string, line: number): boolean =>
  (server.startsWith('redis') && line >= 7.4) || (server.startsWith('valkey') && line >= 9)

/** Pending entries are claimed with times that are told, or they would have the clock's. */
const claim = (consumer: string, id: string, at: number, times: number): Command => [
  ...['XCLAIM', 'stream', 'g', consumer, 0, id, 'TIME', at, 'RETRYCOUNT', times, 'FORCE', 'JUSTID'],
]

export function baseCommands(server: string, line: number): Command[] {
  return [
    ['SET', 'string', 'text'],
    ['SET', BINARY, 'value'],
    ['PEXPIREAT', 'string', YEAR_2100],
    ['RPUSH', 'list', 'a', 'b', 3],
    ['SADD', 'set', 'a', 'b', 'c'],
    ['SADD', 'integers', 1, 2, 3],
    ['HSET', 'hash', 'f', 'v', 'g', 'w'],
    ['HSET', 'timed', 'f', 'v', 'g', 'w'],
    ['ZADD', 'small', '0.1', 'a', 2, 'b'],
    ['ZADD', 'large', '0.1', 'a', 0, 'zero', 2, 'long'.repeat(100)],
    ...['1-1', '1-2', '1-3', '1-4'].map(id => ['XADD', 'stream', id, 'f', 'v']),
    ['XDEL', 'stream', '1-3'],
    ['XGROUP', 'CREATE', 'stream', 'g', '1-2', ...(line < 7 ? [] : ['ENTRIESREAD', 2])],
    ['XREADGROUP', 'GROUP', 'g', 'other', 'COUNT', 1, 'STREAMS', 'stream', '0'],
    claim('owner', '1-1', DELIVERED, 3),
    claim('owner', '1-2', DELIVERED, 1),
    claim('other', '1-2', DELIVERED, 1),
    ['XGROUP', 'CREATE', 'stream', 'idle', '0'],
    ...(line < 7 ? [] : [['FUNCTION', 'LOAD', CODE]]),
    ...(fieldsExpire(server, line) ? [['HPEXPIREAT', 'timed', YEAR_2100, 'FIELDS', 1, 'f']] : []),
    ['SELECT', 3],
    ['SET', 'elsewhere', 'x'],
    ['SELECT', 0],
  ]
}

/** Of a key of database 0. */
const of = (key: string, text: string): RegExp => new RegExp(`^db 0 "${key}": ${text}$`)

const AROUND_VALUES: Change[] = [
  {
    what: 'an expiry, 2 ms later',
    commands: [['PEXPIREAT', 'string', YEAR_2100 + 2]],
    told: [of('string', 'expiry: 41024448000\\d\\d, then 41024448000\\d\\d')],
    blind: true,
  },
  {
    // This much the digest knows: that there is an expiry.
    what: 'an expiry that is gone',
    commands: [['PERSIST', 'string']],
    told: [of('string', 'expiry: 41024448000\\d\\d, then none')],
    blind: false,
  },
  {
    what: 'the expiry of a field, 1 ms later',
    only: fieldsExpire,
    commands: [['HPEXPIREAT', 'timed', YEAR_2100 + 1, 'FIELDS', 1, 'f']],
    told: [of('timed', 'expiry of field "f": 4102444800000, then 4102444800001')],
    blind: true,
  },
  {
    what: 'the expiry of another field',
    only: fieldsExpire,
    commands: [
      ['HPERSIST', 'timed', 'FIELDS', 1, 'f'],
      ['HPEXPIREAT', 'timed', YEAR_2100, 'FIELDS', 1, 'g'],
    ],
    told: [
      of('timed', 'expiry of field "f": 4102444800000, then none'),
      of('timed', 'expiry of field "g": none, then 4102444800000'),
    ],
    // Redis mixes in which fields expire, though not when; valkey neither.
    blind: server => server.startsWith('valkey'),
  },
  {
    what: 'the code of a function',
    only: from7,
    commands: [['FUNCTION', 'LOAD', 'REPLACE', CODE.replace('return 1', 'return 2')]],
    told: [/^library "lib": LUA .*\n.*return 1.*, then LUA .*\n.*return 2/],
    blind: true,
  },
  {
    what: 'a library that is gone',
    only: from7,
    commands: [['FUNCTION', 'DELETE', 'lib']],
    told: [/^library "lib": LUA [\s\S]*, then none$/],
    blind: true,
  },
  {
    what: 'a byte of a binary key',
    commands: [['RENAME', BINARY, Buffer.from([0xff, 0x00, 0x81])]],
    told: [/^db 0 "\\xff\\x00\\x80": only in the first$/, /^db 0 "\\xff\\x00\\x81": only in the second$/],
    blind: false,
  },
  {
    what: 'the database of a key',
    commands: [['MOVE', 'set', 3]],
    told: [/^db 0 "set": only in the first$/, /^db 3 "set": only in the second$/],
    blind: false,
  },
  {
    what: 'a key of another database',
    commands: [
      ['SELECT', 3],
      ['SET', 'elsewhere', 'y'],
      ['SELECT', 0],
    ],
    told: [/^db 3 "elsewhere": value: "x", then "y"$/],
    blind: false,
  },
]

const STREAMS: Change[] = [
  {
    what: 'the name of a group',
    commands: [
      ['XGROUP', 'DESTROY', 'stream', 'idle'],
      ['XGROUP', 'CREATE', 'stream', 'Idle', '0'],
    ],
    told: [
      /group "idle": there, then none$/,
      /"idle": last/,
      /"idle": entries/,
      /"Idle": none/,
      /"Idle": last/,
      /"Idle": e/,
    ],
    blind: true,
  },
  {
    what: 'the last delivered ID of a group',
    commands: [['XGROUP', 'SETID', 'stream', 'idle', '1-1']],
    told: [of('stream', 'group "idle": last delivered: 0-0, then 1-1')],
    blind: true,
  },
  {
    what: 'the entries read of a group',
    only: from7,
    commands: [['XGROUP', 'SETID', 'stream', 'g', '1-2', 'ENTRIESREAD', 1]],
    told: [of('stream', 'group "g": entries read: 2, then 1')],
    blind: true,
  },
  {
    what: 'the delivery time of a pending entry, 1 ms later',
    commands: [claim('owner', '1-1', DELIVERED + 1, 3)],
    told: [
      of('stream', 'group "g": pending 1-1: "owner", delivered at 1700000000000.*, then .* at 1700000000001, 3 times'),
    ],
    blind: true,
  },
  {
    what: 'the deliveries of a pending entry',
    commands: [claim('owner', '1-1', DELIVERED, 4)],
    told: [of('stream', 'group "g": pending 1-1: .*, 3 times, then .*, 4 times')],
    blind: true,
  },
  {
    what: 'the owner of a pending entry',
    commands: [claim('other', '1-1', DELIVERED, 3)],
    told: [
      /pending 1-1: "owner", .*, then "other", /,
      /consumer "other": 1 pending, /,
      /consumer "owner": 1 pending, /,
    ],
    blind: true,
  },
  {
    what: 'a pending entry that is gone',
    commands: [['XACK', 'stream', 'g', '1-1']],
    told: [/pending 1-1: .*, then none$/, /consumer "owner": 1 pending, .*, then 0 pending, /],
    blind: true,
  },
  {
    what: 'a consumer without pending entries',
    commands: [['XREADGROUP', 'GROUP', 'g', 'new', 'COUNT', 1, 'STREAMS', 'stream', '0']],
    told: [of('stream', 'group "g": consumer "new": none, then 0 pending, sha256 \\w+')],
    blind: true,
  },
  {
    what: 'the last ID of a stream',
    commands: [['XSETID', 'stream', '9-9']],
    told: [of('stream', 'last id: 1-4, then 9-9')],
    blind: true,
  },
  {
    what: 'the entries added to a stream',
    only: from7,
    commands: [['XSETID', 'stream', '1-4', 'ENTRIESADDED', 5, 'MAXDELETEDID', '1-3']],
    told: [of('stream', 'entries-added: 4, then 5')],
    blind: true,
  },
  {
    what: 'the highest deleted ID of a stream',
    only: from7,
    commands: [['XSETID', 'stream', '1-4', 'ENTRIESADDED', 4, 'MAXDELETEDID', '1-2']],
    told: [of('stream', 'max-deleted-entry-id: 1-3, then 1-2')],
    blind: true,
  },
]

const VALUES: Change[] = [
  {
    what: 'one bit of a score in a listpack or ziplist',
    commands: [['ZADD', 'small', '0.10000000000000002', 'a']],
    told: [of('small', 'score of "a": 0.1, then 0.10000000000000002')],
    blind: false,
  },
  {
    what: 'one bit of a score in a skiplist',
    commands: [['ZADD', 'large', '0.10000000000000002', 'a']],
    told: [of('large', 'score of "a": 0.1, then 0.10000000000000002')],
    blind: false,
  },
  {
    what: 'a byte of a string',
    commands: [['SET', 'string', 'texT', 'KEEPTTL']],
    told: [of('string', 'value: "text", then "texT"')],
    blind: false,
  },
  {
    what: 'the order of a list',
    commands: [
      ['LSET', 'list', 0, 'b'],
      ['LSET', 'list', 1, 'a'],
    ],
    told: [of('list', 'element 0: "a", then "b"'), of('list', 'element 1: "b", then "a"')],
    blind: false,
  },
  {
    what: 'a member of a set',
    commands: [['SREM', 'set', 'c']],
    told: [of('set', 'member "c": there, then none')],
    blind: false,
  },
  {
    what: 'two values of a hash, exchanged',
    commands: [['HSET', 'hash', 'f', 'w', 'g', 'v']],
    told: [of('hash', 'field "f": "v", then "w"'), of('hash', 'field "g": "w", then "v"')],
    blind: false,
  },
  {
    what: 'the type of a key',
    commands: [
      ['DEL', 'integers'],
      ['SET', 'integers', '1'],
    ],
    told: [/member "1"/, /member "2"/, /member "3"/, /type: set, then string/, /value: none, then "1"/],
    blind: false,
  },
]

export const CHANGES: readonly Change[] = [...AROUND_VALUES, ...STREAMS, ...VALUES]
