/** Values larger than any window, out of files, whose windows lie in the kernel's memory: in every format that is a source. */
import {describe, expect, it} from 'vitest'
import {type Entry, ValueVisitor} from '../../src/index.js'
import {openEntries} from '../../src/source/open.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const elements = Array.from({length: 150_000}, (_, at) => `element ${at} of a list`)
const frame = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map(arg => `$${arg.length}\r\n${arg}\r\n`).join('')}`

const commands = frame(['RPUSH', 'list', ...elements]) + frame(['SET', 'next', 'x'])

const FILES: Record<string, string> = {
  aof: commands,
  resp: commands,
  jsonl: `{"meta":{"aux":{}}}\n${JSON.stringify({key: 'list', type: 'list', value: elements})}\n{"key":"next","type":"string","value":"x"}\n`,
  csv: `key,type,value\nlist,list,"${JSON.stringify(elements).replaceAll('"', '""')}"\nnext,string,x\n`,
}

describe.each(Object.keys(FILES))('%s', format => {
  it('shows every element, and what follows', async () => {
    const source = await openEntries(folder.write(`long.${format}`, FILES[format]!), {onlyCreates: format === 'resp'})
    expect(source.format).toBe(format)
    const seen: string[] = []
    const keys: string[] = []
    const visitor = new (class extends ValueVisitor {
      override readonly depth = 'elements'
      override item(bytes: Uint8Array, start: number, end: number): void {
        seen.push(Buffer.from(bytes.subarray(start, end)).toString())
      }
      override end(entry: Entry): void {
        keys.push(Buffer.from(entry.key()).toString())
      }
    })()
    await source.run({entry: () => visitor})
    await source.close()
    expect(keys).toEqual(['list', 'next'])
    expect(seen.length).toBe(elements.length)
    expect(seen.every((one, at) => one === elements[at])).toBe(true)
  })
})
