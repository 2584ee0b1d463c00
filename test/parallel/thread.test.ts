/** A thread that is asked: answers, errors, memory that goes to and fro, and every way in which it can end. */
import {pathToFileURL} from 'node:url'
import {afterEach, describe, expect, it} from 'vitest'
import {FormatError} from '../../src/errors.js'
import {limits} from '../../src/limits.js'
import {type Parcel, Thread, ThreadError} from '../../src/parallel/thread.js'
import {withLimits} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const dist = new URL('../../dist/', import.meta.url)
let scripts = 0

const threads: Thread<never, never>[] = []
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.end()
})

/** A thread that answers by a function of `question` and `outbox`, in source text. */
function threadThat<Q, A>(answer: string): Thread<Q, A> {
  const path = folder.write(
    `${scripts++}.mjs`,
    `import {answerQuestions} from '${new URL('parallel/answering.js', dist)}'
     import {FormatError} from '${new URL('errors.js', dist)}'
     import {limits} from '${new URL('limits.js', dist)}'
     answerQuestions(async (question, outbox) => {${answer}})`,
  )
  const thread = new Thread<Q, A>(pathToFileURL(path))
  threads.push(thread as never)
  return thread
}

const nothing = (): void => {}

/** Posts so many parcels, each with its number, and waits wherever it is to wait. */
const POSTING = `
  for (let i = 0; i < question; i++) {
    const buffer = outbox.take()
    new Int32Array(buffer)[0] = i
    outbox.post(buffer, 4, i * 10)
    await outbox.ready()
  }
  return 'all'`

describe('a thread', () => {
  it('answers one question after another', async () => {
    const thread = threadThat<number, number>('return question * 2')
    expect([await thread.ask(1, nothing), await thread.ask(21, nothing)]).toEqual([2, 42])
  })

  it('has the same limits', async () => {
    const wanted = {windowBytes: 7, problemsMax: 3}
    const answer = await withLimits(wanted, async () => threadThat<null, object>('return {...limits}')).then(thread =>
      thread.ask(null, nothing),
    )
    expect(answer).toEqual({...limits, ...wanted})
  })

  it('throws what it throws, and answers again', async () => {
    const thread = threadThat<boolean, string>(`
      if (!question) return 'well'
      const error = new FormatError('BAD_LZF', 'no', 2 ** 40)
      error.place = {db: 1, key: Uint8Array.of(7)}
      throw error`)
    const error = await thread.ask(true, nothing).catch(error => error)
    expect(error).toBeInstanceOf(FormatError)
    expect(error).toMatchObject({code: 'BAD_LZF', message: 'no', offset: 2 ** 40, place: {db: 1}})
    expect([...error.place.key]).toEqual([7])
    expect(await thread.ask(false, nothing)).toBe('well')
  })

  it('hands on parcels in their order, all before the answer', async () => {
    const seen: number[] = []
    const read: number[] = []
    const thread = threadThat<number, string>(POSTING)
    const take = (parcel: Parcel): void => {
      seen.push(new Int32Array(parcel.buffer, 0, parcel.used / 4)[0]!)
      read.push(parcel.read)
    }
    expect(await thread.ask(500, take)).toBe('all')
    expect(seen).toEqual(Array.from({length: 500}, (_, i) => i))
    expect(read).toEqual(seen.map(i => i * 10))
  })

  it('waits while nobody takes what it hands on, and uses the same memory again', async () => {
    const thread = threadThat<number, {posted: number; made: number}>(`
      let made = 0
      const {ArrayBuffer: Made} = globalThis
      globalThis.ArrayBuffer = class extends Made { constructor(bytes) { super(bytes); made++ } }
      ${POSTING.replace(`return 'all'`, 'return {made}')}`)
    let most = 0
    let started: number | undefined
    const answered = thread.ask(2000, ({read}) => {
      // This thread is busy for a while, as one that reads a file.
      started ??= performance.now()
      if (performance.now() - started < 200) while (performance.now() - started < 200);
      most = Math.max(most, read / 10)
    })
    const {made} = await answered
    expect(most).toBe(1999)
    expect(made).toBeLessThan(40)
  })
})

describe('the end of a thread', () => {
  it('by an error of its own that nobody catches', async () => {
    const thread = threadThat<null, never>(
      `setTimeout(() => { throw new TypeError('a bug') }); await new Promise(() => {})`,
    )
    const error = await thread.ask(null, nothing).catch(error => error)
    expect(error).toMatchObject({name: 'TypeError', message: 'a bug'})
    // Whoever asks again learns the same.
    await expect(thread.ask(null, nothing)).rejects.toBe(error)
  })

  it('in the middle of its work', async () => {
    const thread = threadThat<null, never>('process.exit(3)')
    const error = await thread.ask(null, nothing).catch(error => error)
    expect(error).toBeInstanceOf(ThreadError)
    expect(error.message).toMatch(/^the thread \S+ ended before it had answered \(exit code 3\)$/)
  })

  it('before it began', async () => {
    const thread = new Thread<null, never>(pathToFileURL(`${folder.path}/there-is-none.mjs`))
    await expect(thread.ask(null, nothing)).rejects.toThrow(/^Cannot find module .*there-is-none/)
  })

  it('because it is ended, whatever it does', async () => {
    const thread = threadThat<null, never>('for (;;);')
    const asked = thread.ask(null, nothing).catch(error => error)
    await thread.end()
    expect(await asked).toBeInstanceOf(ThreadError)
    // Once more is no more.
    await thread.end()
  })

  it('while it waits for memory to come back', async () => {
    const thread = threadThat<number, string>(POSTING)
    const error = new Error('the disk is full')
    const asked = thread.ask(500, () => {
      throw error
    })
    await expect(asked).rejects.toBe(error)
    await thread.end()
  })
})
