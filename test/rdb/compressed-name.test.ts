/** A name that is refused for its size lies where it is stored, also where it is stored in fewer bytes than it has. */
import {expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {hex, len, lzfRun, str} from '../fixtures/builder.js'
import {fileOf} from '../reading/samples.js'
import {readSilently} from '../reading/silent.js'

it.each([
  ['the ID of a stream node', 11, hex(21, str('k'), len(1), lzfRun(0x61, 3000), str('node')), 'REDIS', 13],
  ['the job of a slot import', 80, hex(0xf3, lzfRun(0x61, 3000), len(0)), 'VALKEY', 10],
] as const)('%s', async (_, version, record, magic, offset) => {
  const source = new MemorySource(fileOf(version, [record], magic))
  expect(await readSilently(source, 'elements')).toMatchObject({name: 'FormatError', offset})
})
