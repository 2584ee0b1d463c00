/** Errors on their way between threads: whoever catches one cannot tell that it comes from another. */
import {openSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {SpillError} from '../../src/bytes/spill.js'
import {exitCodeOf} from '../../src/cli/exit.js'
import {FormatError, LimitError, PlacedError, UnsupportedError, UsageError, WireError} from '../../src/errors.js'
import {flattened, restored} from '../../src/parallel/crossing-errors.js'
import {failureJson, formatFailure} from '../../src/report/failure.js'

/** As it arrives. */
const crossed = (error: unknown): Error => restored(structuredClone(flattened(error)))

function placed<T extends PlacedError>(error: T): T {
  error.place = {db: 3, key: Uint8Array.of(1, 255), keyBytes: 70_000, type: 'hash', recordOffset: 12, file: 'a.aof'}
  error.advice = 'do this'
  return error
}

function thrown(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

const wire = new WireError('AUTH_FAILED', 'no', '10.0.0.1:6379', {stage: 'handshake', reply: '-WRONGPASS'})
const samples: readonly [string, Error][] = [
  ['damage', placed(new FormatError('BAD_LISTPACK', 'an entry leads out of it', 2 ** 40))],
  ['damage that nothing more is known of', new FormatError('EMPTY_INPUT', 'nothing', 0)],
  ['what is not supported', placed(new UnsupportedError('UNKNOWN_TYPE', 'type 99', 77))],
  ['a limit', placed(new LimitError('elementBytesMax', 1, 2, 3))],
  ['a limit in other words', new LimitError('listBytesMax', 1, 2, 3, 'libraries of functions')],
  ['what makes no sense', new UsageError('both')],
  ['the wire', wire],
  ['the system', thrown(() => openSync('there/is/no/such/file', 'r'))],
  ['a temporary file', new SpillError('write', 'there', 5, Object.assign(new Error('full'), {code: 'ENOSPC'}))],
  ['a bug', thrown(() => (undefined as unknown as object[])[0])],
]

describe.each(samples)('%s', (_, error) => {
  it('is the same error', () => {
    const other = crossed(error)
    expect(other).not.toBe(error)
    expect(other).toBeInstanceOf(Error)
    const classes = [FormatError, UnsupportedError, LimitError, UsageError, WireError, PlacedError]
    expect(classes.map(one => other instanceof one)).toEqual(classes.map(one => error instanceof one))
    expect([other.name, other.message, other.stack]).toEqual([error.name, error.message, error.stack])
    expect({...other}).toEqual({...error})
  })

  it('is told in the same words and ends with the same code', () => {
    const other = crossed(error)
    expect(formatFailure(other, 'dump.rdb')).toEqual(formatFailure(error, 'dump.rdb'))
    expect(failureJson(other)).toEqual(failureJson(error))
    expect(exitCodeOf(other)).toBe(exitCodeOf(error))
  })
})

it('a cause comes with what it caused', () => {
  const cause = new FormatError('BAD_LZF', 'it looks back too far', 5)
  const {cause: other} = crossed(new FormatError('BAD_STRING', 'no', 4, {cause}))
  expect(other).toBeInstanceOf(FormatError)
  expect(other).toMatchObject({code: 'BAD_LZF', offset: 5})
})

it('what is no error becomes one', () => {
  expect(crossed('words')).toMatchObject({message: 'words'})
})
