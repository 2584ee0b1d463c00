import {describe, expect, it} from 'vitest'
import {EXIT_BUG, EXIT_FORMAT, EXIT_IO, EXIT_UNSUPPORTED, EXIT_USAGE, exitCodeOf} from '../../src/cli/exit.js'
import {
  type FormatCode,
  FormatError,
  LimitError,
  type UnsupportedCode,
  UnsupportedError,
  UsageError,
} from '../../src/errors.js'
import {failureJson, formatFailure} from '../../src/report/failure.js'
import {COLOUR} from '../../src/report/table.js'

/** Every code, and a word of the advice it must come with. The compiler misses none. */
const FORMAT_CODES: Record<FormatCode, RegExp> = {
  BAD_MAGIC: /check the name/,
  BAD_VERSION: /another copy/,
  BAD_LENGTH: /another copy/,
  BAD_COUNT: /another copy/,
  BAD_STRING: /another copy/,
  BAD_SCORE: /another copy/,
  BAD_LZF: /another copy/,
  BAD_LISTPACK: /another copy/,
  BAD_ZIPLIST: /another copy/,
  BAD_ZIPMAP: /another copy/,
  BAD_INTSET: /another copy/,
  BAD_STREAM: /another copy/,
  BAD_MODULE: /another copy/,
  BAD_HASH: /another copy/,
  BAD_ARRAY: /another copy/,
  BAD_BITMAP: /another copy/,
  BAD_COMPRESSION: /copy it again/,
  BAD_JSON: /shapes of its lines/,
  BAD_COMMAND: /this command/,
  BAD_MANIFEST: /the manifest/,
  BAD_TABLE: /this row/,
  BAD_CHECKSUM: /--ignore-checksum/,
  TRUNCATED: /compare its size .* take a new snapshot/,
  EMPTY_INPUT: /before the pipe/,
}

const UNSUPPORTED_CODES: Record<UnsupportedCode, RegExp> = {
  UNKNOWN_OPCODE: /newer rdbtool/,
  UNKNOWN_TYPE: /newer rdbtool/,
  UNKNOWN_ENCODING: /newer rdbtool/,
  UNKNOWN_CONTAINER: /CONFIG GET dir/,
  UNKNOWN_COMMAND: /--skip-unsupported/,
  NOT_IN_TARGET: /--target/,
}

/** Codes that concern the input as a whole, so that no place in it is told. */
const PLACELESS = ['UNKNOWN_CONTAINER', 'EMPTY_INPUT']
/** The same where neither a byte nor a key is named. */
const MAY_BE_PLACELESS = ['NOT_IN_TARGET']

const PLACE = {db: 3, key: Buffer.from('user:\u001b[31m1'), type: 'hash', recordOffset: 1200}

function placed<E extends {place: object}>(error: E): E {
  error.place = PLACE
  return error
}

function system(code: string, message = `${code}: words, open 'dump.rdb'`): Error {
  return Object.assign(new Error(message), {code, syscall: 'open', path: 'dump.rdb'})
}

describe.each(Object.entries(FORMAT_CODES) as [FormatCode, RegExp][])('FormatError %s', (code, advice) => {
  const error = new FormatError(code, 'the reason', 1_234_567)

  it('says what, where, and what next', () => {
    const lines = formatFailure(error, 'dump.rdb')
    expect(lines[0]).toBe(`rdbtool: dump.rdb: the reason (${code})`)
    const where = PLACELESS.includes(code) ? [] : ['  where  byte 1,234,567']
    expect(lines.slice(1, -1)).toEqual(where)
    expect(lines.at(-1)).toMatch(/^ {2}next {3}\S/)
    expect(lines.at(-1)).toMatch(advice)
  })

  it('exits with 3', () => expect(exitCodeOf(error)).toBe(EXIT_FORMAT))
})

describe.each(Object.entries(UNSUPPORTED_CODES) as [UnsupportedCode, RegExp][])(
  'UnsupportedError %s',
  (code, advice) => {
    const error = new UnsupportedError(code, 'the reason', 0)

    it('says what, and what next', () => {
      const lines = formatFailure(error, 'dump.rdb')
      expect(lines[0]).toBe(`rdbtool: dump.rdb: the reason (${code})`)
      expect(lines.at(-1)).toMatch(advice)
      expect(lines.some(line => line.startsWith('  where'))).toBe(![...PLACELESS, ...MAY_BE_PLACELESS].includes(code))
    })

    it('says where, where a key is to blame', () => {
      const lines = formatFailure(placed(new UnsupportedError(code, 'the reason', 0)), 'dump.rdb')
      expect(lines.some(line => line.startsWith('  where'))).toBe(!PLACELESS.includes(code))
    })

    it('exits with 4', () => expect(exitCodeOf(error)).toBe(EXIT_UNSUPPORTED))
  },
)

describe('the place of a failure', () => {
  const error = placed(new FormatError('BAD_LISTPACK', 'the listpack is bent', 1300))

  it('names database, key and type, the key escaped', () => {
    expect(formatFailure(error, 'dump.rdb')[1]).toBe(
      '  where  byte 1,300, in the hash "user:\\x1b[31m1" of database 3 (its record begins at byte 1,200)',
    )
  })

  it('is data in JSON, the key exact', () => {
    expect(failureJson(error)).toEqual({
      code: 'BAD_LISTPACK',
      text: 'the listpack is bent',
      offset: 1300,
      db: 3,
      key: 'user:\u001b[31m1',
      type: 'hash',
      recordOffset: 1200,
    })
  })

  it('is the record where no key has been read', () => {
    const early = new FormatError('TRUNCATED', 'the input ends here', 99)
    early.place = {db: 0, recordOffset: 95}
    expect(formatFailure(early, undefined)[1]).toBe('  where  byte 99, in the record at byte 95')
    expect(failureJson(early)).toEqual({
      code: 'TRUNCATED',
      text: 'the input ends here',
      offset: 99,
      db: 0,
      recordOffset: 95,
    })
  })

  it('shortens a long key, and keeps bytes that are no text in JSON', () => {
    const long = new FormatError('BAD_LZF', 'x', 1)
    long.place = {...PLACE, key: Buffer.alloc(5000, 0xff)}
    expect(formatFailure(long, 'f')[1]!.length).toBeLessThan(160)
    expect(failureJson(long)['key']).toEqual({base64: Buffer.alloc(5000, 0xff).toString('base64')})
  })
})

describe('LimitError', () => {
  const error = placed(new LimitError('elementBytesMax', 512, 1024, 77))

  it('names the limit, the place, and what next', () => {
    const lines = formatFailure(error, 'dump.rdb')
    expect(lines[0]).toBe('rdbtool: dump.rdb: elementBytesMax allows 512, the input wants 1024 (TOO_LARGE)')
    expect(lines[1]).toMatch(/^ {2}where {2}byte 77, in the hash /)
    expect(lines[2]).toMatch(/^ {2}next {3}.*another copy/)
    expect(failureJson(error)).toMatchObject({
      code: 'TOO_LARGE',
      limit: 'elementBytesMax',
      offset: 77,
      db: 3,
      type: 'hash',
    })
    expect(exitCodeOf(error)).toBe(EXIT_FORMAT)
  })
})

describe('errors of the system', () => {
  it.each([
    ['ENOENT', 'there is no such file (ENOENT)', /check the name/],
    ['ENOTDIR', 'a part of this path is no folder (ENOTDIR)', /check the name/],
    ['EACCES', 'permission denied (EACCES)', /run as a user/],
    ['EIO', 'the disk could not be read (EIO)', /copy the file from another disk/],
    ['ENOSPC', 'the disk is full (ENOSPC)', /make room/],
  ])('%s', (code, text, advice) => {
    const error = system(code)
    const lines = formatFailure(error, 'dump.rdb')
    expect(lines[0]).toBe(`rdbtool: dump.rdb: ${text}`)
    expect(lines[1]).toMatch(advice)
    expect(failureJson(error)).toEqual({code, text: text.replace(` (${code})`, '')})
    expect(exitCodeOf(error)).toBe(EXIT_IO)
  })

  it('that nobody foresaw are told in their own words, once', () => {
    const error = system('ELOOP', "ELOOP: too many symbolic links encountered, open 'a\u001b[31mb'")
    expect(formatFailure(error, 'dump.rdb')).toEqual(['rdbtool: dump.rdb: too many symbolic links encountered (ELOOP)'])
    expect(exitCodeOf(error)).toBe(EXIT_IO)
  })
})

describe('the rest', () => {
  it('a usage error has no advice beside itself', () => {
    const error = new UsageError('name a file')
    expect(formatFailure(error, undefined)).toEqual(['rdbtool: name a file'])
    expect(exitCodeOf(error)).toBe(EXIT_USAGE)
  })

  it.each([[new TypeError('x is undefined')], ['a string'], [undefined], [null]])('%s is our own bug', thrown => {
    expect(exitCodeOf(thrown)).toBe(EXIT_BUG)
    expect(formatFailure(thrown, undefined)).toHaveLength(1)
  })

  it('names and messages cannot drive the terminal', () => {
    const error = new FormatError('BAD_VERSION', 'the version is "\u009b2J\u202e"', 0)
    expect(formatFailure(error, 'a\u001b[31mb')[0]).toBe(
      'rdbtool: a\\x1b[31mb: the version is "\\xc2\\x9b2J\\xe2\\x80\\xae" (BAD_VERSION)',
    )
  })

  it('colour marks the first line only', () => {
    const lines = formatFailure(new FormatError('TRUNCATED', 'x', 5), 'f', COLOUR)
    expect(lines[0]).toBe('\u001b[33mrdbtool: f: x (TRUNCATED)\u001b[0m')
    expect(lines.slice(1).join('')).not.toContain('\u001b')
  })
})
