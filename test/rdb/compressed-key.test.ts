/** A key that is stored compressed stays what it is until its value, compressed too, has been read. */
import {expect, it} from 'vitest'
import {RdbReader, ValueVisitor} from '../../src/index.js'
import {lzfRun} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile} from '../start/rdb.js'

const folder = temporaryFolder()

it('in the window of a file, too', async () => {
  const file = new RdbFile('REDIS', 9).db(0)
  const value = {bytes: lzfRun(0x76, 300), type: 'string', value: 'v'.repeat(300)}
  file.op(0x00, lzfRun(0x6b, 40), value.bytes)
  const reader = await RdbReader.open(folder.write('key.rdb', file.end()))
  const keys: string[] = []
  class Keys extends ValueVisitor {
    override readonly depth = 'elements'
    override end({keyBytes}: Parameters<ValueVisitor['end']>[0]): void {
      keys.push(Buffer.from(keyBytes.copy()).toString())
    }
  }
  const visitor = new Keys()
  await reader.run({entry: () => visitor})
  await reader.close()
  expect(keys).toEqual(['k'.repeat(40)])
})
