import {assert, constantFrom, integer, oneof, property, string, tuple, uint8Array} from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {EscapedWriter} from '../../src/report/escaped.js'
import {formatBytes, widthOf} from '../../src/report/text.js'
import {dangerousIn} from '../start/screen.js'

const WHOLE = Number.POSITIVE_INFINITY

interface Written {
  text: string
  columns: number
  whole: boolean
}

function argument(bytes: Uint8Array, columnsMax = WHOLE): Written {
  return written(bytes, writer => writer.argument(bytes, 0, bytes.length, columnsMax))
}

function beginning(bytes: Uint8Array, columnsMax: number): Written {
  return written(bytes, writer => writer.beginning(bytes, 0, bytes.length, columnsMax))
}

function written(_bytes: Uint8Array, write: (writer: EscapedWriter) => unknown): Written {
  const target = new MemoryTarget()
  const out = new ByteOutput(target)
  const writer = new EscapedWriter(out)
  const whole = write(writer) === true
  out.flush()
  return {text: Buffer.from(target.view()).toString(), columns: writer.columns, whole}
}

/** As redis-cli reads one argument (redis 7.0 sds.c, sdssplitargs). */
function readBack(text: string): Buffer {
  if (text.startsWith("'")) return Buffer.from(text.slice(1, -1).replaceAll("\\'", "'"))
  if (!text.startsWith('"')) return Buffer.from(text)
  const bytes: Buffer[] = []
  for (const [, hex, escaped, other] of text.slice(1, -1).matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gsu)) {
    bytes.push(hex === undefined ? Buffer.from(escaped ?? other!) : Buffer.from(hex, 'hex'))
  }
  return Buffer.concat(bytes)
}

const awkward = constantFrom(
  '"',
  "'",
  '\\',
  ' ',
  '\u001b[2J',
  'é',
  '日本',
  '\u202e',
  '\u200b',
  '\u0301',
  '😀',
  '\u{e0001}',
  '…',
  '\0',
  'plain',
)
const pieces = oneof(
  awkward.map(one => Buffer.from(one)),
  string().map(one => Buffer.from(one)),
  string({unit: 'binary'}).map(one => Buffer.from(one)),
  uint8Array({maxLength: 8}).map(one => Buffer.from(one)),
)
const anyBytes = tuple(pieces, pieces, pieces).map(all => new Uint8Array(Buffer.concat(all)))

describe('an argument', () => {
  it.each([
    ['plain', 'plain'],
    ['user:{1}:*?#$', 'user:{1}:*?#$'],
    ['', '""'],
    ['two words', '"two words"'],
    ["it's", '"it\'s"'],
    ['{"a":"b c"}', `'{"a":"b c"}'`],
    ['{"a":"é日"}', `'{"a":"é日"}'`],
    ['{"a":"\\n"}', '"{\\"a\\":\\"\\\\n\\"}"'],
    [`"it's"`, `"\\"it's\\""`],
    ['a\nb', '"a\\x0ab"'],
    ['back\\slash', '"back\\\\slash"'],
    ['\u202eabc', '"\\xe2\\x80\\xaeabc"'],
    ['日本語', '"日本語"'],
  ])('%j stands as %s', (from, to) => {
    expect(argument(Buffer.from(from)).text).toBe(to)
  })

  it('is what formatBytes shows, and reads back to the same bytes', () => {
    assert(
      property(anyBytes, bytes => {
        const {text, whole} = argument(bytes)
        expect(whole).toBe(true)
        expect(dangerousIn(text)).toEqual([])
        expect(readBack(text)).toEqual(Buffer.from(bytes))
        if (text.startsWith('"')) expect(text.slice(1, -1).replaceAll('\\"', '"')).toBe(formatBytes(bytes))
        else if (!text.startsWith("'")) expect(text).toBe(formatBytes(bytes))
      }),
      {numRuns: 2000},
    )
  })

  it('is written whole where it fits, and not at all where it does not', () => {
    assert(
      property(anyBytes, integer({min: 0, max: 60}), (bytes, columnsMax) => {
        const all = argument(bytes)
        const {text, columns, whole} = argument(bytes, columnsMax)
        expect(text).toBe(whole ? all.text : '')
        if (whole) {
          expect(columns).toBe(widthOf(text))
          expect(columns).toBeLessThanOrEqual(columnsMax)
        } else {
          // What takes no columns may be many bytes.
          expect(widthOf(all.text) > columnsMax || bytes.length > 4 * columnsMax).toBe(true)
        }
      }),
      {numRuns: 2000},
    )
  })

  it('fits with a mark at its end that takes no column', () => {
    expect(argument(Buffer.from('a e\u0301'), 5)).toMatchObject({whole: true, columns: 5, text: '"a e\u0301"'})
    expect(argument(Buffer.from('a e\u0301'), 4).whole).toBe(false)
  })

  it('is cut between characters, within its columns', () => {
    assert(
      property(anyBytes, integer({min: 6, max: 40}), (bytes, columnsMax) => {
        const {text, columns} = beginning(bytes, columnsMax)
        expect(dangerousIn(text)).toEqual([])
        expect(columns).toBe(widthOf(text))
        expect(columns).toBeLessThanOrEqual(columnsMax)
        const read = readBack(text)
        expect(Buffer.from(bytes.subarray(0, read.length))).toEqual(read)
      }),
      {numRuns: 2000},
    )
  })
})
