/**
 * What is kept of a damaged log: random logs, damaged at random places, whose commands say themselves for which database
 * they are, and of which transaction.
 */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {commandsOf, EXEC, frame, MULTI, safe, select, survey, written, zeros} from './surveyed-log.js'

const RUNS = Number(process.env['RDBTOOL_MUTANTS'] ?? 400)

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

/** Every cut is from within a command up to where another begins. */
function without(log: string, from: number, cuts: readonly {at: number; commands: number; left: number}[]): string {
  let text = log
  for (const {at, commands, left} of cuts) {
    const starts = [...text.matchAll(/\*\d\r\n/g)].map(({index}) => index).filter(index => index >= from)
    if (starts.length < 2) break
    const first = at % (starts.length - 1)
    text = text.slice(0, starts[first]! + left) + text.slice(starts[Math.min(first + commands, starts.length - 1)])
  }
  return text
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
/** So much is left of a command; it and some that follow it are missing otherwise. */
const missing = fc.array(
  fc.record({at: fc.nat(), commands: fc.integer({min: 1, max: 8}), left: fc.integer({min: 1, max: 13})}),
  {minLength: 1, maxLength: 3},
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
      {numRuns: RUNS},
    )
    expect(behind).toBeGreaterThan(20)
  })

  it('of which parts are missing: no transaction by halves, no command elsewhere', async () => {
    let behind = 0
    await fc.assert(
      fc.asyncProperty(units(3), missing, async (some, cuts) => {
        const sample = sampleOf([LONGEST, ...some])
        const log = without(sample.log, sampleOf([LONGEST]).log.length, cuts)
        const found = await survey(log)
        const commands = await commandsOf(written(log, found))
        if (written(log, found).length > safe(log, found).length) behind++
        expectWhole(commands, sample, found.databaseAssumed !== undefined)
      }),
      {numRuns: RUNS},
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
