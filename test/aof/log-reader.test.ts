/** Logs are read alike in windows of any size, to the same events or the same error. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LogReader, STOP} from '../../src/aof/log-reader.js'
import {PlacedError} from '../../src/errors.js'
import {MemorySource} from '../../src/index.js'
import {SKIP} from '../../src/keyspace/visitor.js'
import {type Files, unpackFolder} from '../fixtures/aof-folder.js'
import {temporaryFolder} from '../start/folder.js'
import {frame} from '../start/log.js'

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const WINDOWS = [1, 2, 3, 7, 4096]
const folder = temporaryFolder()

/** Every file of every fixture, by its name. */
const LOGS = readdirSync(ROOT).flatMap(fixture => {
  const {files} = JSON.parse(readFileSync(join(ROOT, fixture), 'utf8')) as {files: Files}
  const dir = join(folder.path, fixture)
  unpackFolder(files, dir)
  const names = Object.keys(files).filter(name => !name.endsWith('.manifest'))
  return names.map(
    name => [`${fixture.slice(0, -5)}/${name.split('/').at(-1)}`, readFileSync(join(dir, name))] as const,
  )
})

/** All that a reader shows, in words; what it ends with, an error too. `stopAt`: the event at which it is stopped. */
async function eventsOf(bytes: Uint8Array, windowBytes?: number, stopAt = Number.POSITIVE_INFINITY): Promise<string[]> {
  const events: string[] = []
  const add = (event: string): void => {
    if (events.length === stopAt) throw STOP
    events.push(event)
  }
  const text = (from: Uint8Array, start: number, end: number): string =>
    Buffer.from(from.subarray(start, end)).toString('latin1')
  const reader = new LogReader(new MemorySource(bytes, windowBytes), {ignoreChecksum: true})
  try {
    const {preamble, ...end} = await reader.run({
      command: ({bytes, argc, bounds, offset, endOffset}) => {
        const args = Array.from({length: argc}, (_, i) => text(bytes, bounds[2 * i]!, bounds[2 * i + 1]!))
        add(`${offset}-${endOffset} ${JSON.stringify(args)}`)
      },
      timestamp: (seconds, offset) => add(`${offset} time ${seconds}`),
      annotation: (bytes, start, end, offset) => add(`${offset} line ${text(bytes, start, end)}`),
      preamble: () => ({
        entry: entry => {
          events.push(`${entry.offset} key ${Buffer.from(entry.key()).toString('latin1')}`)
          return SKIP
        },
      }),
      problem: ({code, offset}) => events.push(`${offset} ${code}`),
    })
    events.push(JSON.stringify([preamble?.bytes, end]))
  } catch (error) {
    if (!(error instanceof PlacedError)) throw error
    events.push(`${error.offset} ${error.name} ${error.code}`)
  }
  return events
}

describe('every log of the fixtures', () => {
  it.each(LOGS)('%s is read alike in every window', async (_, bytes) => {
    const whole = await eventsOf(bytes)
    for (const window of WINDOWS) expect(await eventsOf(bytes, window), `windows of ${window}`).toEqual(whole)
  })

  it('are there: with snapshots, lines that say when, and transactions', async () => {
    const all: string[] = []
    for (const [, bytes] of LOGS) all.push(...(await eventsOf(bytes)))
    for (const sign of [/^\d+ key /, /^\d+ time \d+/, /"MULTI"/i, /"XADD"/i])
      expect(all.some(one => sign.test(one))).toBe(true)
  })
})

describe('a reading that is stopped', () => {
  const first = frame('SET', 'a', '1')
  const log = Buffer.from(
    `${first}#TS:1700000000\r\n${frame('MULTI')}${frame('SET', 'b', '2')}${frame('EXEC')}# other\n${first}${first.slice(0, 9)}`,
  )

  it('at any event ends before it, in no transaction, in every window', async () => {
    const all = await eventsOf(log)
    for (let stopAt = 0; stopAt < all.length - 1; stopAt++) {
      const events = await eventsOf(log, undefined, stopAt)
      expect(events.slice(0, stopAt)).toEqual(all.slice(0, stopAt))
      const [, end] = JSON.parse(events.at(-1)!)
      const begins = Number.parseInt(all[stopAt]!, 10)
      const multi = log.indexOf('*1\r\n')
      const inside = begins > multi && begins < log.indexOf('# other')
      expect(end).toMatchObject({stopped: true, goodOffset: inside ? multi : begins})
      expect(end.torn).toBeUndefined()
      for (const window of WINDOWS) expect(await eventsOf(log, window, stopAt)).toEqual(events)
    }
  })
})

describe('a damaged log', () => {
  const logs = LOGS.filter(([, bytes]) => bytes.length > 0 && bytes.length < 20_000)

  it('ends in the same way in every window, and never in an error that is not ours', async () => {
    const change = fc.record({at: fc.nat(), kind: fc.constantFrom('flip', 'cut', 'insert'), byte: fc.nat(255)})
    await fc.assert(
      fc.asyncProperty(
        fc.nat(logs.length - 1),
        change,
        fc.constantFrom(...WINDOWS),
        async (which, {at, kind, byte}, window) => {
          const bytes = Buffer.from(logs[which]![1])
          const place = at % bytes.length
          if (kind === 'flip') bytes[place] = byte
          const damaged =
            kind === 'cut'
              ? bytes.subarray(0, place)
              : kind === 'insert'
                ? Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)])
                : bytes
          expect(await eventsOf(damaged, window)).toEqual(await eventsOf(damaged))
        },
      ),
      {numRuns: 400},
    )
  })
})
