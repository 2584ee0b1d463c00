import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {array, assert, asyncProperty, integer, uint8Array} from 'fast-check'
import {describe, expect, it, vi} from 'vitest'
import {LastLines} from '../../src/bytes/last-lines.js'
import {ByteOutput} from '../../src/bytes/output.js'
import {SpillFile} from '../../src/bytes/spill.js'
import {MemoryTarget} from '../../src/bytes/target.js'

const text = (target: MemoryTarget): string => Buffer.from(target.view()).toString()

describe('the last lines', () => {
  it('are those of any lines, however they are handed on, in whatever memory', async () => {
    const natural = (min: number, max: number) => integer({min, max})
    const lines = array(uint8Array({minLength: 1, maxLength: 40}), {maxLength: 60})
    await assert(
      asyncProperty(
        lines,
        natural(1, 70),
        natural(1, 9),
        natural(0, 600),
        async (written, linesMax, everyNth, memoryBytes) => {
          const target = new MemoryTarget()
          const last = new LastLines(target, linesMax, {memoryBytes})
          const out = new ByteOutput(last)
          for (const [i, line] of written.entries()) {
            last.begin(out.written)
            out.copy(line, 0, line.length)
            if (i % everyNth === 0) out.flush()
          }
          out.flush()
          expect(target.bytes).toBe(0)
          await last.release()
          expect(Buffer.from(target.view())).toEqual(Buffer.concat(written.slice(-linesMax)))
        },
      ),
    )
  })

  it('are followed by all others once they are released', async () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 1)
    const write = (line: string): void => {
      last.begin(last.bytes)
      last.write(Buffer.from(line), 0, line.length)
    }
    write('one ')
    write('two ')
    await last.release()
    await last.release()
    write('three ')
    write('four')
    expect(text(target)).toBe('two three four')
  })

  it('stand under what was to be kept', async () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 1)
    const write = (line: string): void => last.write(Buffer.from(line), 0, line.length)
    write('title ')
    last.keep()
    for (const line of ['one ', 'two ', 'three']) {
      last.begin(last.bytes)
      write(line)
    }
    await last.release()
    expect(text(target)).toBe('title three')
  })

  it('keep no more than they need', async () => {
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
    await last.release()
    expect(target.bytes).toBe(3 * line.length)
  })

  it('go to temporary files where they are long, of about their size, and nothing stays of those', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'last-lines-'))
    const lineBytes = 1024 * 1024
    const lines = 5
    const target = new MemoryTarget()
    const last = new LastLines(target, lines, {memoryBytes: 100, folder})
    const append = vi.spyOn(SpillFile.prototype, 'append')
    const close = vi.spyOn(SpillFile.prototype, 'close')
    let filesMax = 0
    for (let i = 0; i < 60; i++) {
      last.begin(last.bytes)
      last.write(new Uint8Array(lineBytes).fill(i), 0, lineBytes)
      const open = new Set<unknown>(append.mock.contexts)
      for (const file of close.mock.contexts) open.delete(file)
      filesMax = Math.max(
        filesMax,
        [...open].reduce<number>((sum, file) => sum + (file as SpillFile).bytes, 0),
      )
    }
    expect(filesMax).toBeLessThanOrEqual(3 * (lines + 1) * lineBytes)
    await last.release()
    const shown = target.view()
    expect(shown.length).toBe(lines * lineBytes)
    expect(Array.from({length: lines}, (_, i) => shown[i * lineBytes])).toEqual([55, 56, 57, 58, 59])
    const opened = new Set(append.mock.contexts)
    expect(opened.size).toBeGreaterThan(2)
    expect(new Set(close.mock.contexts)).toEqual(opened)
    expect(readdirSync(folder)).toEqual([])
    rmSync(folder, {recursive: true})
    vi.restoreAllMocks()
  })

  it('are none where they are given up', async () => {
    const target = new MemoryTarget()
    const last = new LastLines(target, 2, {memoryBytes: 1})
    for (const line of ['one ', 'two ', 'three ']) {
      last.begin(last.bytes)
      last.write(Buffer.from(line), 0, line.length)
    }
    await last.abandon()
    await last.release()
    expect(target.bytes).toBe(0)
  })
})
