/**
 * What is kept of a damaged log: random logs, damaged at random places, whose commands say themselves for which database
 * they are, and of which transaction.
 */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Judge} from '../../src/aof/command-search.js'
import {LogReader} from '../../src/aof/log-reader.js'
import {type LogSurvey, surveyLog} from '../../src/aof/salvage.js'
import {MemorySource} from '../../src/bytes/source.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let made = 0

const frame = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(arg => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`
const MULTI = frame('MULTI')
const EXEC = frame('EXEC')
const select = (db: number): string => frame('SELECT', String(db))
const zeros = (bytes: number): string => '\0'.repeat(bytes)

const ARGUMENTS: Readonly<Record<string, number>> = {SELECT: 2, MULTI: 1, EXEC: 1, DISCARD: 1, SET: 3, INCR: 2}
const judge: Judge = (bytes, start, end, argc) => {
  const wanted = ARGUMENTS[Buffer.from(bytes.subarray(start, end)).toString('latin1').toUpperCase()]
  if (wanted === undefined) return 'unknown'
  return wanted === argc ? 'known' : 'wrong'
}

async function survey(log: string, databases = new Set<number>()): Promise<LogSurvey> {
  const path = folder.write(`log-${made++}.aof`, Buffer.from(log, 'latin1'))
  return await surveyLog(path, log.length, {judge, databases})
}

/** What would be written: with SELECT where one is missing. */
function written(log: string, {pieces}: Pick<LogSurvey, 'pieces'>): string {
  let selected = 0
  return pieces
    .map(({start, end, db, dbAfter}) => {
      const before = db === undefined || db === selected ? '' : select(db)
      selected = dbAfter ?? db ?? selected
      return before + log.slice(start, end)
    })
    .join('')
}

/** What is kept where nothing behind damage is. */
function safe(log: string, {pieces, damagedAt}: LogSurvey): string {
  return written(log, {pieces: pieces.filter(({start}) => start < damagedAt)})
}

async function goodOffsetOf(log: string): Promise<number> {
  const reader = new LogReader(new MemorySource(Buffer.from(log, 'latin1')))
  try {
    return (await reader.run({command: () => {}})).goodOffset
  } catch {
    return reader.sofar.goodOffset
  }
}

/** Commands of a log as lists of arguments. */
async function commandsOf(log: string): Promise<string[][]> {
  const commands: string[][] = []
  const end = await new LogReader(new MemorySource(Buffer.from(log, 'latin1'))).run({
    command: ({bytes, bounds, argc}) => {
      const arg = (i: number): string =>
        Buffer.from(bytes.subarray(bounds[2 * i], bounds[2 * i + 1])).toString('latin1')
      commands.push(Array.from({length: argc}, (_, i) => arg(i)))
    },
  })
  expect(end.torn).toBeUndefined()
  return commands
}

const A = frame('SET', 'a', '1')
const B = frame('SET', 'b', '2')
const N = frame('INCR', 'n')

describe('up to the first thing that is wrong', () => {
  const whole = select(0) + A + MULTI + N + B + EXEC + N
  it.each([
    ['nothing is', whole, whole.length],
    ['a torn command', whole + A.slice(0, -1), whole.length],
    ['a transaction without its end', whole + MULTI + N, whole.length],
    ['a torn command in a transaction', whole + MULTI + N + B.slice(0, 4), whole.length],
    ['a torn line', `${whole}#TS:17`, whole.length],
    ['a line that has swallowed a command', `${whole}#TS:17${zeros(20)}\n${A}`, whole.length],
    ['a line that may have swallowed something', `${whole}#T*1\r\n$5\r\nMULTI\r\n${A}`, whole.length],
    ['a time that is none', `${whole}#TS:17x\r\n${A}`, whole.length],
    ['no line that somebody wrote', `${whole}# so it was\n${A}`, whole.length + 12 + A.length],
    ['zeros at the end', whole + zeros(500), whole.length],
    ['garbage at the end', `${whole}+OK\r\n`, whole.length],
    ['an argument too few', whole + frame('SET', 'a'), whole.length],
    ['DISCARD in a transaction', whole + MULTI + N + frame('DISCARD') + EXEC, whole.length],
    [
      'a wrong length that servers read over, and garbage behind it',
      `${whole}${A.slice(0, -6)}2\r\n1\r\n${A}`,
      whole.length,
    ],
    ['a database that is none', whole + frame('SELECT', 'x') + A, whole.length],
    ['what was SELECT once', whole + select(1).replace('SEL', 'SXL') + A, whole.length],
    ['what was MULTI once', whole + MULTI.replace('MUL', 'MXL') + A + EXEC, whole.length],
    ['lines that end in LF', whole.replaceAll('\r\n', '\n'), undefined],
    ['a name that nobody knows', whole + frame('NOSUCH') + A, (whole + frame('NOSUCH') + A).length],
  ])('%s', async (_, log, bytes = 0) => {
    const found = await survey(log)
    expect(safe(log, found)).toBe(log.slice(0, bytes))
  })

  it('is where the reader says that it is, wherever a log ends', async () => {
    const log = `${select(2)}${A}#TS:1700000000\r\n${MULTI}${N}${EXEC}${N}`
    for (let bytes = 0; bytes <= log.length; bytes++) {
      const cut = log.slice(0, bytes)
      expect(safe(cut, await survey(cut)), `${bytes} bytes`).toBe(log.slice(0, await goodOffsetOf(cut)))
    }
  })
})

describe('behind damage', () => {
  const head = select(0) + A
  const many = A + B + N + A
  it.each([
    ['zeros', head + zeros(100) + many, head + many],
    ['a flipped length', head + B.replace('$3', '$7') + many, head + many],
    ['a length that leads behind the end', head + B.replace('$3', '$300') + many, head + many],
    ['two gaps', head + zeros(30) + many + zeros(30) + many, head + many + many],
    ['too few commands between two gaps', head + zeros(30) + A + zeros(30) + many, head + many],
    ['one command up to the end', head + zeros(30) + A, head + A],
    ['a torn command at the end', head + zeros(30) + many + A.slice(0, 9), head + many],
    ['an argument too few, and no gap', head + frame('SET', 'a') + many, head + many],
    ['an open transaction before', head + MULTI + N + zeros(40) + B + EXEC + many, head + many],
    ['an open transaction before that never ends', head + MULTI + N + zeros(40) + many, head],
    [
      'one that ends in the gap',
      head + MULTI + N + zeros(40) + many + MULTI + N + EXEC,
      head + many + MULTI + N + EXEC,
    ],
    [
      'one that ends in the gap, as a line says',
      `${head}${MULTI}${N}${zeros(40)}${many}#TS:17\r\n${A}`,
      `${head}${many}#TS:17\r\n${A}`,
    ],
    ['the end of a transaction that begins in the gap', head + zeros(40) + B + N + EXEC + many, head + many],
    [
      'one that may span two gaps',
      head + MULTI + N + N + EXEC + zeros(40) + many + zeros(40) + A + EXEC + many,
      head + MULTI + N + N + EXEC + many,
    ],
    [
      'no more commands than a transaction has',
      head + MULTI + N + N + N + EXEC + zeros(40) + many + A.slice(0, 4),
      head + MULTI + N + N + N + EXEC,
    ],
    ['a gap that is too small for MULTI', head + zeros(14) + B + EXEC + many, head + B + EXEC + many],
    ['a gap that MULTI fits in', head + zeros(15) + B + EXEC + many, head + many],
    ['another database', head + zeros(40) + many + select(3) + B + N, head + select(3) + B + N],
    ['two databases before', `${select(1)}${A}${head}${zeros(40)}${many}`, `${select(1)}${A}${head}`],
    [
      'two databases before, and a gap that is too small for SELECT',
      `${select(1)}${A}${head}${zeros(22)}${many}`,
      `${select(1)}${A}${head}${many}`,
    ],
    [
      'a transaction that selects',
      `${head}${MULTI}${select(4)}${N}${zeros(9)}${EXEC}${many}`,
      `${head}${select(4)}${many}`,
    ],
    [
      'a transaction that selects in its middle',
      head + zeros(40) + MULTI + A + select(4) + N + EXEC + many,
      head + select(4) + many,
    ],
    [
      'a transaction that selects first',
      head + zeros(40) + MULTI + select(4) + N + EXEC + many,
      head + MULTI + select(4) + N + EXEC + many,
    ],
  ])('%s', async (_, log, kept) => {
    const found = await survey(log)
    expect(written(log, found)).toBe(kept)
    const commands = found.pieces.reduce((sum, one) => sum + one.commands, 0)
    const added = written(log, found).length - found.pieces.reduce((sum, {start, end}) => sum + end - start, 0)
    expect((await commandsOf(kept)).length - (added > 0 ? 1 : 0)).toBe(commands)
  })

  it('commands within an argument are none', async () => {
    const value = frame('SET', 'inner', many.repeat(3))
    const log = head + B.replace('$3', '$x') + value + many
    expect(written(log, await survey(log))).toBe(head + value + many)
    // ... nor are those in the argument of a command whose head is damaged.
    const hurt = head + value.replace('$3', '$x') + many
    expect(written(hurt, await survey(hurt))).toBe(head + many)
  })

  it('is read in windows: arguments and gaps that are longer', async () => {
    const long = frame('SET', 'a', `*1\r\n$4\r\nINCR${'x'.repeat(400_000)}`)
    for (const log of [head + zeros(700_001) + long + N, `${head}*2\r\n$x${long}${zeros(300_000)}${long}${N}`]) {
      const kept = log.slice(log.lastIndexOf(long))
      expect(written(log, await survey(log))).toBe(head + kept)
    }
    const hiding = frame('SET', 'a', 'x'.repeat(400_000) + many)
    const log = head + hiding.replace('*3', '*x') + N.repeat(3)
    expect(written(log, await survey(log))).toBe(head + N.repeat(3))
  })

  it('is found wherever a window of the search ends', async () => {
    for (let bytes = 256 * 1024 - 60; bytes <= 256 * 1024 + 3; bytes++) {
      const log = head + zeros(bytes) + many
      expect(written(log, await survey(log)), `${bytes} bytes`).toBe(head + many)
    }
  })

  it('is not looked for behind a thousand gaps, and not forever where it only seems to be', async () => {
    const log = head + (zeros(30) + many).repeat(1200)
    const found = await survey(log)
    expect(found.pieces.length).toBe(1000)
    expect(found.lost.at(-1)!.offset + found.lost.at(-1)!.bytes).toBe(log.length)
    const seeming =
      head + frame('SET', 'a').repeat(3) + `*1000000\r\n$3\r\nSET\r\n${'$0\r\n\r\n'.repeat(200_000)}` + many
    expect(written(seeming, await survey(seeming))).toBe(head + many)
  })

  it('is for a database that only other files of the log have named', async () => {
    const log = zeros(60) + many
    expect(written(log, await survey(log))).toBe('')
    const found = await survey(log, new Set([5]))
    expect(written(log, found)).toBe(select(5) + many)
    expect(found.databaseAssumed).toBe(5)
  })
})

interface Sample {
  log: string
  /** Commands of each transaction that is told of in keys. */
  sizes: number[]
  /** Databases of all the keys. */
  databases: Map<string, number>
}

interface Unit {
  db: number
  commands: number
  inTransaction: boolean
  /** Selects another database behind so many of its commands. */
  turns: number
  line: boolean
}

/** As servers write one: SELECT where the database changes, transactions whole. Each key says which transaction it is of. */
function sampleOf(units: readonly Unit[]): Sample {
  const sample: Sample = {log: '', sizes: [], databases: new Map()}
  let selected = -1
  const choose = (db: number): string => {
    if (db === selected) return ''
    selected = db
    return select(db)
  }
  for (const {db, commands, inTransaction, turns, line} of units) {
    const transaction = sample.sizes.length
    const sets = Array.from({length: commands}, (_, i) => {
      const target = inTransaction && turns > 0 && i >= turns ? (db + 1) % 3 : db
      const before = choose(target)
      const key = `${inTransaction ? `t${transaction}` : 'k'}.${sample.databases.size}`
      sample.databases.set(key, target)
      return before + frame('SET', key, String(target))
    })
    if (line) sample.log += '#TS:1700000000\r\n'
    if (!inTransaction) sample.log += sets.join('')
    else {
      // Before MULTI, as long as nothing else is in it.
      const [first = '', ...others] = sets
      const at = first.indexOf('*3')
      const body = first.slice(at) + others.join('')
      sample.log += first.slice(0, at) + MULTI + body + EXEC
      sample.sizes.push((body.match(/\*[23]\r\n/g) ?? []).length)
    }
  }
  return sample
}

interface Damage {
  at: number
  bytes: number
  filling: string
  inserted: boolean
}

function damaged(log: string, from: number, damages: readonly Damage[], cut: number): string {
  let text = log
  for (const {at, bytes, filling, inserted} of damages) {
    const place = from + Math.floor(at * (text.length - from))
    // A line with printable bytes in it is one that somebody may have written.
    const hurt = (log.includes('#') && /[*$x]/.test(filling) ? '\x01' : filling).repeat(bytes)
    text = text.slice(0, place) + hurt + text.slice(inserted ? place : place + bytes)
  }
  return text.slice(0, from + Math.ceil(cut * (text.length - from)))
}

const units = (databases: number): fc.Arbitrary<Unit[]> =>
  fc.array(
    fc.record({
      db: fc.integer({min: 0, max: databases - 1}),
      commands: fc.integer({min: 1, max: 4}),
      inTransaction: fc.boolean(),
      turns: databases > 1 ? fc.integer({min: 0, max: 3}) : fc.constant(0),
      line: fc.boolean(),
    }),
    {minLength: 1, maxLength: 25},
  )
const damages = fc.array(
  fc.record({
    at: fc.double({min: 0, max: 1, noNaN: true}),
    bytes: fc.oneof(fc.constant(1), fc.integer({min: 1, max: 150})),
    filling: fc.constantFrom('\0', 'x', '\xff', '*', '$'),
    inserted: fc.boolean(),
  }),
  {maxLength: 3},
)
const cut = fc.oneof(fc.constant(1), fc.double({min: 0, max: 1, noNaN: true}))
/** Longer than any that is damaged, and never damaged itself. */
const LONGEST: Unit = {db: 0, commands: 6, inTransaction: true, turns: 0, line: false}

describe('random logs, damaged at random', () => {
  it.each([[1], [3]])('of %i databases: no transaction by halves, no command elsewhere', async databases => {
    let behind = 0
    await fc.assert(
      fc.asyncProperty(units(databases), damages, cut, async (some, hurt, share) => {
        const sample = sampleOf([LONGEST, ...some])
        const log = damaged(sample.log, sampleOf([LONGEST]).log.length, hurt, share)
        const found = await survey(log)
        const commands = await commandsOf(written(log, found))
        if (written(log, found).length > safe(log, found).length) behind++
        expectWhole(commands, sample, found.databaseAssumed !== undefined && databases > 1)
        const lost = found.lost.reduce((sum, {bytes}) => sum + bytes, 0)
        const kept = found.pieces.reduce((sum, {start, end}) => sum + end - start, 0)
        expect(lost + kept).toBe(log.length)
        expect(safe(log, found)).toBe(log.slice(0, safe(log, found).length))
      }),
      {numRuns: Number(process.env['RDBTOOL_MUTANTS'] ?? 400)},
    )
    expect(behind).toBeGreaterThan(20)
  })

  function expectWhole(commands: readonly string[][], {sizes, databases}: Sample, mayBeElsewhere: boolean): void {
    let db = 0
    let begun = -1
    for (const [at, [name, key = '', value]] of commands.entries()) {
      if (name === 'SELECT') db = Number(key)
      if (name === 'MULTI') begun = at
      const transaction = /^t(\d+)\./.exec(key)?.[1]
      // What was damaged within its bytes is framed all the same: nobody can know.
      if (name === 'SET' && databases.get(key) !== undefined && value === String(databases.get(key))) {
        if (!mayBeElsewhere) expect(db, key).toBe(databases.get(key))
      }
      if (name === 'SET' && transaction !== undefined) {
        const end = commands.findIndex(([one], i) => i > at && one === 'EXEC')
        expect(begun, key).toBeGreaterThanOrEqual(0)
        expect(end - begun - 1, key).toBe(sizes[Number(transaction)])
      }
      if (name === 'EXEC') {
        expect(begun).toBeGreaterThanOrEqual(0)
        begun = -1
      }
    }
    expect(begun).toBe(-1)
  }

  it('of one kind of commands only: all is kept but what is hit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 20, max: 60}),
        fc.nat(),
        fc.integer({min: 1, max: 300}),
        async (n, at, bytes) => {
          const sets = Array.from({length: n}, (_, i) => frame('SET', `k${i}`, 'v'))
          const log = select(0) + sets.join('')
          const place = select(0).length + (at % (log.length - select(0).length - bytes))
          const hurt = log.slice(0, place) + zeros(bytes) + log.slice(place + bytes)
          let offset = select(0).length
          const kept = sets.filter(set => {
            const whole = offset + set.length <= place || offset >= place + bytes
            offset += set.length
            return whole
          })
          // Zeros in a value or a key leave the command as it is.
          const found = written(hurt, await survey(hurt))
          expect(kept.every(set => found.includes(set))).toBe(true)
        },
      ),
    )
  })
})
