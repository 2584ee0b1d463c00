/**
 * The append-only fixtures, loaded by the server that wrote them: it must hold what their goldens say. Our reader has
 * no part in it. The oracle takes such folders too.
 */

import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {type Files, packFolder, unpackFolder} from '../fixtures/aof-folder.js'
import {snapshot} from '../fixtures/snapshot.js'
import {WRITES} from '../fixtures/writers.js'
import {describeEachServer} from './each-server.js'
import {comparable, type Golden, type GoldenEntry} from './goldens.js'
import * as oracle from './oracle.js'
import {startServer} from './server.js'

interface Fixture extends Golden<{appendfilename: string}> {
  name: string
  files: Files
}

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const FIXTURES: Fixture[] = readdirSync(ROOT).map(file => {
  return {name: file.slice(0, -5), ...JSON.parse(readFileSync(join(ROOT, file), 'utf8'))}
})

async function inFolder<T>(files: Files, use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'rdbtool-aof-'))
  try {
    unpackFolder(files, dir)
    return await use(dir)
  } finally {
    rmSync(dir, {recursive: true, force: true})
  }
}

/** Consumers are seen when the commands are replayed. */
function withoutClocks(entries: GoldenEntry[]): GoldenEntry[] {
  for (const {type, value} of entries) {
    for (const {consumers} of type === 'stream' ? value.groups : []) {
      for (const consumer of consumers) {
        delete consumer.seenAtMs
        delete consumer.activeAtMs
      }
    }
  }
  return comparable(entries, Date.now())
}

describeEachServer('append-only files in', name => {
  const mine = FIXTURES.filter(one => one.name.endsWith(`-${WRITES[name]}`))

  it.each(mine)('$name holds what its golden says', ({files, entries, functions, meta: {appendfilename}}) =>
    inFolder(files, async dir => {
      const config = {appendonly: 'yes', appendfilename: `"${appendfilename}"`}
      const server = await startServer(name, {dir, config})
      try {
        const answers = await snapshot(server)
        expect(withoutClocks(answers.entries as GoldenEntry[])).toEqual(withoutClocks(entries))
        expect(answers.functions).toEqual(functions)
      } finally {
        await server.stop()
      }
    }),
  )

  it('are taken by the oracle, and told from what they do not hold', async () => {
    const [one, other] = ['commands', 'transactions'].map(title => mine.find(({name}) => name.startsWith(`${title}-`)))
    await inFolder(one!.files, first =>
      inFolder(other!.files, async second => {
        const [a, b] = [first, second].map(dir => (name === 'redis-6.0' ? join(dir, 'appendonly.aof') : dir))
        expect(await oracle.sameAfterLoading(name, a!, a!, {clocks: false})).toEqual([])
        expect((await oracle.sameAfterLoading(name, a!, b!)).at(-1)).toMatch(/^DEBUG DIGEST/)
      }),
    )
  })
})

describe('an append-only fixture', () => {
  it.each(FIXTURES)('$name is unpacked to the files it was made of', ({files}) =>
    inFolder(files, async dir => expect(packFolder(dir)).toEqual(files)),
  )

  it.each(['v10', 'v12', 'v80'])('has the layout that it is named after, %s', writer => {
    const filesOf = (title: string): Files => FIXTURES.find(({name}) => name === `${title}-${writer}`)!.files
    const manifest = (title: string, file = 'appendonly.aof'): string =>
      ([filesOf(title)[`appendonlydir/${file}.manifest`]].flat() as string[]).join('')
    expect(manifest('upgraded')).toMatch(
      /^file appendonly\.aof seq 1 type b\nfile appendonly\.aof\.1\.incr\.aof seq 1 type i/,
    )
    expect(manifest('several-incr')).toMatch(/seq 1 type i.*\nfile appendonly\.aof\.2\.incr\.aof seq 2 type i/)
    expect(manifest('history')).toMatch(/seq 1 type h/)
    expect(manifest('name-quoted', 'append only.aof')).toMatch(/^file "append only\.aof\.1\.base\.rdb" seq 1 type b/)
    expect(Object.keys(filesOf('rewritten'))).toContain('appendonlydir/appendonly.aof.2.base.aof')
    expect([filesOf('timestamps')['appendonlydir/appendonly.aof.1.incr.aof']].flat().join('')).toMatch(/#TS:\d+\r\n/)
  })
})
