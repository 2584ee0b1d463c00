/**
 * The crew that reads stretches, with a file that is none: all is taken once and in order, whatever is guessed, however much
 * a stretch holds and however slowly it is taken. Nothing may stand still.
 */
import {setImmediate as turn} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {MemorySource} from '../../src/bytes/source.js'
import type {SegmentAnswer, SegmentWork} from '../../src/jobs/segment-work.js'
import {readInStretches} from '../../src/jobs/stretch-crew.js'
import {type Outbox, PARCELS_OUT_MAX} from '../../src/parallel/answering.js'
import {flattened} from '../../src/parallel/crossing-errors.js'
import type {Answerer, Parcel} from '../../src/parallel/thread.js'
import type {SegmentStart} from '../../src/rdb/segments.js'
import {MAGIC_BYTES} from '../../src/rdb/versions.js'
import {Here} from '../parallel/here.js'

/** Of every record. */
const RECORD_BYTES = 10
const STRETCH_RECORDS = 5

/** What comes of guessing where a stretch begins; `nobody`: no boundary is found; `failed`: the file could not be read there. */
const GUESSES = ['right', 'right', 'wrong', 'nobody', 'failed'] as const

interface Made {
  /** By stretch. */
  guesses: readonly (typeof GUESSES)[number][]
  /** That each record is handed on in: in turn. */
  parcels: readonly number[]
  /** Records that are read before anybody is waited for. */
  windowRecords: number
  threads: number
  isWorking: boolean
  /** Turns of the event loop that the taking of a parcel takes. */
  takingTurns: number
}

/** Turns after which nothing goes on any more: nobody here waits for anything else. */
const STILL_TURNS = 300

/** Parcels of all records, taken as the crew takes them. */
async function taken(made: Made): Promise<string[]> {
  const {guesses, parcels, windowRecords, threads, isWorking, takingTurns} = made
  const records = guesses.length * STRETCH_RECORDS
  const inputBytes = MAGIC_BYTES + records * RECORD_BYTES
  const all: string[] = []
  let steps = 0

  const answer = async ({offset, stretch}: SegmentStart, outbox: Outbox): Promise<SegmentAnswer> => {
    const {until, isExact} = stretch!
    const record = Math.ceil((offset - MAGIC_BYTES) / RECORD_BYTES)
    const guess = isExact ? 'right' : guesses[Math.floor(record / STRETCH_RECORDS)]!
    const nothing = {sum: {high: 0, low: 0}, stored: undefined, templates: [], db: 0}
    if (guess === 'failed') return {stretch: undefined, failure: flattened(new Error('no such place'))}
    // A record that stands within another.
    const begins = MAGIC_BYTES + record * RECORD_BYTES + (guess === 'wrong' ? 1 : 0)
    outbox.post(new ArrayBuffer(1), 0, guess === 'nobody' ? -1 : begins)
    if (guess === 'nobody') return {stretch: undefined, failure: undefined}
    let i = record
    for (; i < records && MAGIC_BYTES + i * RECORD_BYTES < until; i++) {
      steps++
      if ((i - record) % windowRecords === windowRecords - 1) {
        await turn()
        await outbox.ready()
      }
      for (let part = 0; part < parcels[i % parcels.length]!; part++) {
        const text = Buffer.from(`${guess} ${i} ${part}`)
        outbox.post(Uint8Array.from(text).buffer, text.length, 0)
      }
    }
    return {stretch: {...nothing, offset: MAGIC_BYTES + i * RECORD_BYTES, isEnd: i === records}, failure: undefined}
  }
  const work: SegmentWork<SegmentStart, SegmentAnswer> = {
    ...{script: 'none', answer, stretchBytes: 0},
    question: start => start,
    take: async ({buffer, used}: Parcel) => {
      for (let i = 0; i < takingTurns; i++) await turn()
      steps++
      all.push(Buffer.from(buffer, 0, used).toString())
    },
    answered: ({failure}) => expect(failure).toBeUndefined(),
    problem: () => {},
  }
  const source = Object.assign(new MemorySource(Buffer.from('REDIS0011')), {inputBytes, lies: {fd: -1, start: 0}})
  const stretchBytes = STRETCH_RECORDS * RECORD_BYTES
  const options = {threads, stretchBytes, ignoreChecksum: true, isWorking}
  const newThread = (): Answerer<SegmentStart, SegmentAnswer> => new Here(answer)
  let isOver = false
  const reading = readInStretches(source, work, newThread, options).finally(() => {
    isOver = true
  })
  const watch = async (): Promise<void> => {
    for (let still = 0, before = -1; !isOver; still++, await turn()) {
      if (steps !== before) still = 0
      before = steps
      if (still > STILL_TURNS) throw new Error(`stands still after ${all.length} parcels`)
    }
  }
  await Promise.all([reading, watch()])
  return all
}

function expected({guesses, parcels}: Made): string[] {
  return Array.from({length: guesses.length * STRETCH_RECORDS}, (_, i) =>
    Array.from({length: parcels[i % parcels.length]!}, (_, part) => `right ${i} ${part}`),
  ).flat()
}

const made = fc.record<Made>({
  guesses: fc.array(fc.constantFrom(...GUESSES), {minLength: 1, maxLength: 24}),
  parcels: fc.array(fc.constantFrom(0, 1, 3, PARCELS_OUT_MAX + 1, 3 * PARCELS_OUT_MAX), {minLength: 1, maxLength: 7}),
  windowRecords: fc.integer({min: 1, max: STRETCH_RECORDS + 1}),
  threads: fc.integer({min: 1, max: 5}),
  isWorking: fc.boolean(),
  takingTurns: fc.constantFrom(0, 1, 5),
})

it('all is taken once, in the order of the file', async () => {
  const property = fc.asyncProperty(made, async one => {
    expect(await taken(one)).toEqual(expected(one))
  })
  await fc.assert(property, {numRuns: 300})
})

it.each([1, 2, 3, 4, 5])('a guess that is wrong once %i threads have as much as they may', async threads => {
  for (const isWorking of [true, false]) {
    for (let wrong = 1; wrong < 8; wrong++) {
      const guesses = Array.from({length: 16}, (_, i) => (i === wrong ? 'wrong' : 'right') as 'wrong' | 'right')
      // The last record of every stretch holds more than its thread may have ready, and is handed on without waiting.
      for (const windowRecords of [1, STRETCH_RECORDS - 1, STRETCH_RECORDS + 1]) {
        const one = {guesses, parcels: [1, 1, 1, 1, 26], windowRecords, threads, isWorking, takingTurns: 3}
        expect(await taken(one)).toEqual(expected(one))
      }
    }
  }
})
