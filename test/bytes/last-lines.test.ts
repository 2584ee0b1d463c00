import {array, assert, integer, property, uint8Array} from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LastLines} from '../../src/bytes/last-lines.js'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'

const text = (target: MemoryTarget): string => Buffer.from(target.view()).toString()

describe('the last lines', () => {
  it('are those of any lines, however they are handed on', () => {
    const lines = array(uint8Array({minLength: 1, maxLength: 40}), {maxLength: 60})
    assert(
      property(lines, integer({min: 1, max: 70}), integer({min: 1, max: 9}), (written, linesMax, everyNth) => {
        const target = new MemoryTarget()
        const last = new LastLines(target, linesMax)
        const out = new ByteOutput(last)
        for (const [i, line] of written.entries()) {
          last.begin(out.written)
          out.copy(line, 0, line.length)
          if (i % everyNth === 0) out.flush()
        }
        out.flush()
        expect(target.bytes).toBe(0)
        last.release()
        expect(Buffer.from(target.view())).toEqual(Buffer.concat(written.slice(-linesMax)))
      }),
    )
  })

  it('are followed by all others once they are released', () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 1)
    const write = (line: string): void => {
      last.begin(last.bytes)
      last.write(Buffer.from(line), 0, line.length)
    }
    write('one ')
    write('two ')
    last.release()
    last.release()
    write('three ')
    write('four')
    expect(text(target)).toBe('two three four')
  })

  it('stand under what was to be kept', () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 1)
    const write = (line: string): void => last.write(Buffer.from(line), 0, line.length)
    write('title ')
    last.keep()
    for (const line of ['one ', 'two ', 'three']) {
      last.begin(last.bytes)
      write(line)
    }
    last.release()
    expect(text(target)).toBe('title three')
  })

  it('keep no more than they need', () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 3)
    const line = new Uint8Array(64 * 1024)
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 4000; i++) {
      last.begin(last.bytes)
      last.write(line, 0, line.length)
    }
    // 256 MB went by.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 1024 * 1024)
    last.release()
    expect(target.bytes).toBe(3 * line.length)
  })
})
