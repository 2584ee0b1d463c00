/** Random commands of all families that a server knows: the same for the same seed and the same server. */
import {type Command, cased, type Family} from './arguments.js'
import {lists, places, sets, sortedSets} from './collections.js'
import {Draw} from './draw.js'
import {fieldExpiries, hashes} from './hashes.js'
import {databases, keys, libraries, restores} from './keys.js'
import {restartStreams, streams} from './streams.js'
import {bits, hyperLogLogs, strings} from './strings.js'

/** Of a hundred commands so many are of a family. */
const SHARES: readonly [share: number, family: Family][] = [
  [14, strings],
  [4, bits],
  [2, hyperLogLogs],
  [13, lists],
  [10, sets],
  [15, sortedSets],
  [2, places],
  [8, hashes],
  [8, fieldExpiries],
  [15, streams],
  [5, keys],
  [3, databases],
  [1, libraries],
]

/** A name in a family stands for a command with certain options; which servers know those. */
const SINCE: Readonly<Record<string, (redis: number, product: string) => boolean>> = {
  // Before, whoever is blocked waits for a tenth of a second.
  BLPOP: redis => redis >= 7,
  BITOP82: redis => redis >= 8.2,
  XSETID7: redis => redis >= 7,
  XGROUPCREATE7: redis => redis >= 7,
  PEXPIREAT7: redis => redis >= 7,
  BRPOP: redis => redis >= 7,
  BRPOPLPUSH: redis => redis >= 7,
  BLMOVE: redis => redis >= 7,
  BZPOPMIN: redis => redis >= 7,
  BZPOPMAX: redis => redis >= 7,
  SETGET: redis => redis >= 6.2,
  LPOPN: redis => redis >= 6.2,
  RPOPN: redis => redis >= 6.2,
  GEOADD62: redis => redis >= 6.2,
  XGROUPCREATECONSUMER: redis => redis >= 6.2,
}

/** What they do depends on chance or on the clock: only once their server has written down what they did are they the same. */
const CHOSEN: ReadonlySet<string> = new Set([
  ...['SPOP', 'XREADGROUP', 'XAUTOCLAIM', 'XADDNOW', 'EXPIRE', 'HEXPIRE'],
  ...['SETIN', 'SETEX', 'PSETEX', 'GETEXIN', 'HGETEXIN', 'HSETEXIN'],
])

/** Left to `npm run soak`: differences are still open there. */
const WIDER: ReadonlySet<string> = new Set([
  ...['SETGET', 'SETIN', 'SETEX', 'PSETEX', 'GETEXIN', 'HEXPIREAT', 'HEXPIRE', 'HGETEXIN', 'HSETEXIN', 'EXPIREAT'],
  ...['EXPIRE', 'LPOPN', 'RPOPN', 'BRPOP', 'BRPOPLPUSH', 'BLMOVE', 'BLMPOP', 'BZPOPMIN', 'BZPOPMAX', 'BZMPOP'],
  ...['GEOADD62', 'XADDNOW', 'RESTORE'],
])

export interface Dialect {
  product: string
  /** Of redis the version; of what came from it, the version that it came from. */
  redis: number
  /** Names that the server knows, in capitals. */
  known: ReadonlySet<string>
  /** Commands too whose outcome only a server can choose, and writes to its log. */
  chosen: boolean
  /** Also what is in WIDER. */
  wider: boolean
  /** DUMP's answers, for RESTORE. */
  payloads: readonly Uint8Array[]
}

export function* randomCommands(seed: number, count: number, dialect: Dialect): Generator<Command> {
  const draw = new Draw(seed)
  restartStreams()
  const shares = dialect.wider ? [...SHARES, [1, restores(dialect.payloads)] as const] : SHARES
  const makers = shares
    .map(([share, family]) => [share, known(family, draw, dialect)] as const)
    .filter(([, all]) => all.length > 0)
  const deck = makers.flatMap(([share, all]) => Array.from({length: share}, () => all))
  for (let made = 0; made < count; ) {
    const group = draw.percent(3) ? draw.between(1, 5) : 0
    if (group > 0) yield ['MULTI']
    for (let i = 0; i < Math.max(group, 1); i++) {
      const command = draw.pick(draw.pick(deck))(draw)
      yield [cased(draw, String(command[0])), ...command.slice(1)]
      made++
    }
    if (group > 0) yield ['EXEC']
  }
}

function known(family: Family, draw: Draw, {product, redis, known, chosen, wider}: Dialect): Family[string][] {
  return Object.entries(family)
    .filter(([name, make]) => {
      const command = String(make(new Draw(draw.seed))[0])
      if (!wider && WIDER.has(name)) return false
      if (!chosen && (CHOSEN.has(name) || CHOSEN.has(command))) return false
      // Only from then on a consumer is made who is then given nothing.
      if (!chosen && command === 'XCLAIM' && redis < 7.2) return false
      return known.has(command) && SINCE[name]?.(redis, product) !== false
    })
    .map(([, make]) => make)
}
