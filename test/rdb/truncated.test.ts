/** A file that ends too early says so in the same words, wherever it is cut and however it arrives. */
import {describe, expect, it} from 'vitest'
import {type ByteSource, type Depth, MemorySource, RdbReader, ValueVisitor} from '../../src/index.js'
import {hex, len, lzfRun, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'

class Quiet extends ValueVisitor {
  constructor(override readonly depth: Depth) {
    super()
  }
}

async function end(source: ByteSource, depth: Depth): Promise<unknown> {
  const error = await new RdbReader(source).run({entry: () => new Quiet(depth)}).catch((one: unknown) => one)
  const {name, code, offset, message} = error as {name: string; code: string; offset: number; message: string}
  return {name, code, offset, message}
}

const pad = 'p'.repeat(20)
const FILE = fileOf(9, [
  hex(
    5,
    str('zset'),
    value.binaryScores([
      ['a', 1],
      [pad, 2],
      ['c', 3],
    ]),
  ),
  hex(
    3,
    str('old'),
    value.asciiScores([
      ['a', '1.5'],
      [pad, 'inf'],
    ]),
  ),
  hex(
    4,
    str('hash'),
    value.fields([
      ['f', pad],
      [pad, 'v'],
    ]),
  ),
  hex(0, str('packed'), lzfRun(97, 60)),
])

describe('the end of a file that is cut', () => {
  it.each<Depth>(['skip', 'raw', 'nodes', 'elements'])('is told alike in all windows, at depth %s', async depth => {
    for (let cut = 9; cut < FILE.length; cut++) {
      const bytes = FILE.slice(0, cut)
      const whole = await end(new MemorySource(bytes), depth)
      expect(whole).toMatchObject({name: 'FormatError'})
      for (const window of [1, 2, 3, 7, 4096]) {
        expect(await end(new MemorySource(bytes, window), depth), `cut at ${cut}, windows of ${window}`).toEqual(whole)
        const streamed = await end(streamOf(bytes, every(window, cut)), depth)
        expect(streamed, `cut at ${cut}, pieces of ${window}`).toEqual({
          name: 'FormatError',
          code: 'TRUNCATED',
          offset: cut,
          message: 'the input ends here, though more must follow',
        })
      }
    }
  })

  it('is no count that is too large for the rest, where it stands in that rest', async () => {
    const bytes = fileOf(9, [hex(1, str('k'), len(3), str('a'))]).slice(0, -9)
    expect(await end(new MemorySource(bytes), 'skip')).toMatchObject({code: 'BAD_COUNT'})
  })
})
