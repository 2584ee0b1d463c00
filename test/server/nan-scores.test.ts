/**
 * Scores that are no number, in every form that a server reads: what it does at its start is what check --target says, and from
 * what build makes of them it starts, with all other keys.
 */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {predictLoad} from '../../src/index.js'
import {build} from '../../src/jobs/build.js'
import {listpack, ziplist} from '../fixtures/blobs.js'
import {f64, hex, len, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as values from '../fixtures/values.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Start, Starter} from './start-from.js'

const folder = temporaryFolder()
const NAN = hex('000000000000f87f')

const SETS: Readonly<Record<string, readonly [typeId: number, bytes: Buffer]>> = {
  text: [3, hex(len(2), str('a'), hex('0131'), str('n'), hex('fd'))],
  binary: [5, hex(len(2), str('a'), f64(1), str('n'), NAN)],
  'binary, negative': [5, hex(len(2), str('a'), f64(1), str('n'), hex('000000000000f8ff'))],
  'binary, of many': [
    5,
    hex(len(200), ...Array.from({length: 200}, (_, i) => hex(str(`m${i}`), i === 150 ? NAN : f64(i)))),
  ],
  'in a ziplist': [12, str(ziplist(['a', 1, 'n', 'nan']))],
  'in a listpack': [17, str(listpack(['a', 1, 'n', 'nan']))],
}

function fileOf(typeId: number, bytes: Buffer): Buffer {
  const version = typeId > 12 ? 10 : 9
  const file = new RdbFile('REDIS', version).db(0).key(0, 'before', values.string('text'))
  return file.key(typeId, 'set', values.zset(bytes, [])).key(0, 'after', values.string('text')).end()
}

const saidOf = (said: Awaited<ReturnType<typeof predictLoad>>): string =>
  said.verdict === 'skips' ? 'loads' : said.verdict

describeEachServer('scores that are no number, to', name => {
  it.each(Object.keys(SETS))('%s', async form => {
    const [typeId, bytes] = SETS[form]!
    const file = fileOf(typeId, bytes)
    const starter = new Starter(name)
    try {
      const is: Start = await starter.start(file)
      const said = await predictLoad(file, name)
      expect(`${saidOf(said)} ${said.keys.loaded}`).toBe(
        is.verdict === 'loads' ? `loads ${is.keys}` : `${is.verdict} ${said.keys.loaded}`,
      )
      const out = join(folder.path, `${name}-${form}.rdb`)
      const source = folder.write(`${name}-${form}-source.rdb`, file)
      const {lost} = await build([source], {out, target: name, allowLoss: true})
      const built = await starter.start(readFileSync(out))
      process.stderr.write(`${name}: ${form}: ${is.verdict}; build loses ${lost.length}\n`)
      expect(built).toMatchObject({verdict: 'loads', keys: lost.length > 0 ? 2 : 3})
      if (form === 'text' || form.startsWith('binary')) expect(lost).toMatchObject([{keys: 1, whole: true}])
    } finally {
      starter.close()
    }
  })
})
