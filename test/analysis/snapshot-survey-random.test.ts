/**
 * Damaged snapshots of random keys: what is kept was there, and at each damage no more than one key is lost that it has not
 * touched.
 *
 *   RDBTOOL_MUTANTS=10000   damaged files, instead of a few
 *   RDBTOOL_SEED=7          others
 */
import {expect, it} from 'vitest'
import {Dice} from '../jobs/mutants.js'
import {type DamagedFile, damagedFile, fileOf, IN_PLACE, KEY_STYLES, soundValues} from './damaged-snapshots.js'
import {entriesOf, isSilent, outcomeOf} from './salvage-outcome.js'

const RUNS = Number(process.env['RDBTOOL_MUTANTS'] ?? 300)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 4)
/** Of one file. */
const DAMAGED_EACH = 25
const HEADER_BYTES = 9

it('where it is damaged in several places, the same holds of each', async () => {
  const values = await soundValues(500, SEED + 1)
  const problems: string[] = []
  for (let i = 0; i * DAMAGED_EACH < RUNS / 4; i++) {
    const dice = new Dice(SEED * 1_000_033 + i)
    const file = fileOf(dice, values, 40 + dice.below(120))
    const originals = await entriesOf(file.bytes)
    for (let j = 0; j < DAMAGED_EACH; j++) {
      const places: DamagedFile[] = []
      let {bytes} = file
      for (let n = 2 + dice.below(3); n > 0; n--) {
        const place = damagedFile({...file, bytes}, dice, IN_PLACE, 11)
        if (place.from < HEADER_BYTES || place.from >= place.to) continue
        places.push(place)
        bytes = place.bytes
      }
      const {wrong, short} = await outcomeOf(file, originals, bytes, places)
      const hurt = places.map(({what}) => what).join(', ')
      if (short > places.length) problems.push(`${SEED} ${i}/${j}: ${hurt}: ${short} keys short`)
      // One that is silent hides behind one that is not.
      if (wrong.length > places.length) problems.push(`${SEED} ${i}/${j}: ${hurt}: ${wrong.join('; ').slice(0, 300)}`)
    }
  }
  expect(problems.join('\n')).toBe('')
}, 3_600_000)

it('of what is damaged no more is lost than must be, and nothing is found that was not there', async () => {
  const values = await soundValues(1000, SEED)
  const problems: string[] = []
  let silent = 0
  let twoShort = 0
  for (let i = 0; i * DAMAGED_EACH < RUNS; i++) {
    const dice = new Dice(SEED * 1_000_003 + i)
    const file = fileOf(dice, values, 10 + dice.below(120))
    const originals = await entriesOf(file.bytes)
    for (let j = 0; j < DAMAGED_EACH; j++) {
      const damaged = damagedFile(file, new Dice(SEED * 7919 + i * 1009 + j))
      const {what, bytes, from, to} = damaged
      // Whoever has the header guessed is not tested here.
      if (from < HEADER_BYTES || from >= to + 1) continue
      const {wrong, short} = await outcomeOf(file, originals, bytes, [damaged])
      if (wrong.length === 0 && short <= 1) continue
      if (await isSilent(bytes)) silent++
      // Where damage begins with the first bytes of a record, both keys beside it are in doubt.
      else if (wrong.length === 0 && short === 2) twoShort++
      else
        problems.push(
          `${SEED} ${i}/${j}: ${what} [${from}, ${to}): ${short} keys short; ${wrong.join('; ').slice(0, 300)}`,
        )
    }
  }
  expect(problems.join('\n')).toBe('')
  expect(twoShort).toBeLessThanOrEqual(Math.ceil(RUNS / 500))
  // A test of files that nobody can tell from sound ones would show nothing.
  expect(silent).toBeLessThan(RUNS / 2)
}, 3_600_000)

it.each(Object.keys(KEY_STYLES))(
  '%s: the same holds of keys named otherwise',
  async style => {
    const values = await soundValues(500, SEED)
    const problems: string[] = []
    const counts = {wrong: 0, short: 0, silent: 0}
    for (let i = 0; i * DAMAGED_EACH < RUNS / 4; i++) {
      const dice = new Dice(SEED * 1_000_003 + i)
      const file = fileOf(dice, values, 10 + dice.below(120), style)
      const originals = await entriesOf(file.bytes)
      for (let j = 0; j < DAMAGED_EACH; j++) {
        const damaged = damagedFile(file, new Dice(SEED * 7919 + i * 1009 + j))
        const {what, bytes, from, to} = damaged
        if (from < HEADER_BYTES || from >= to + 1) continue
        const {wrong, short} = await outcomeOf(file, originals, bytes, [damaged])
        if (wrong.length === 0 && short <= 1) continue
        if (await isSilent(bytes)) {
          counts.silent++
          continue
        }
        if (wrong.length === 0) counts.short++
        else counts.wrong++
        problems.push(`${SEED} ${i}/${j}: ${what} [${from}, ${to}): ${short} short; ${wrong.join('; ').slice(0, 200)}`)
      }
    }
    const told = problems.join('\n')
    // Names that are text tell what is none of the file; others tell less, and so do few keys. A hash whose beginning is lost with
    // as many keys as it has fields left, and a value that is damaged so that it leads into the next record, look like what they are not.
    expect(counts.wrong, told).toBeLessThanOrEqual(style === 'text' ? 0 : Math.ceil(RUNS / 2400))
    expect(counts.short, told).toBeLessThanOrEqual(Math.ceil(RUNS / (style === 'text' ? 1200 : 600)))
  },
  3_600_000,
)

it.each([
  [24, 'long', 2, 16],
  [24, 'uuid', 11, 19],
  [44, 'mixed', 3, 3],
  [44, 'long', 4, 23],
])('what was told wrong once is told right: of seed %d, %s, file %d, damage %d', async (seed, style, i, j) => {
  const dice = new Dice(seed * 1_000_003 + i)
  const file = fileOf(dice, await soundValues(500, seed), 10 + dice.below(120), style)
  const damaged = damagedFile(file, new Dice(seed * 7919 + i * 1009 + j))
  const {wrong, short} = await outcomeOf(file, await entriesOf(file.bytes), damaged.bytes, [damaged])
  expect(wrong).toEqual([])
  expect(short).toBeLessThanOrEqual(1)
})
