/** The manifest of an append-only folder: what servers take, and what they refuse. */
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {openChain} from '../../src/aof/chain.js'
import {formatManifest, type Manifest, parseManifest} from '../../src/aof/manifest.js'
import {temporaryFolder} from '../start/folder.js'

const parse = (text: string): Manifest => parseManifest(Buffer.from(text))

describe('a manifest', () => {
  it('names a base, increments in their order, and what is superseded', () => {
    const manifest = parse(
      'file appendonly.aof.2.base.rdb seq 2 type b\nfile a.1.incr.aof seq 1 type h\n# a remark\n' +
        'file appendonly.aof.2.incr.aof seq 2 type i startoffset 26\nFILE "with space.aof" SEQ 3 TYPE i other "x y"\n',
    )
    expect(manifest.base).toMatchObject({name: 'appendonly.aof.2.base.rdb', sequence: 2, type: 'b'})
    expect(manifest.history).toMatchObject([{name: 'a.1.incr.aof'}])
    expect(manifest.increments).toMatchObject([
      {name: 'appendonly.aof.2.incr.aof', startOffset: 26},
      {name: 'with space.aof', sequence: 3, others: [['other', 'x y']]},
    ])
  })

  it.each([
    ['a second base', 'file a seq 1 type b\nfile b seq 2 type b\n', 20],
    ['a sequence that does not rise', 'file a seq 2 type i\nfile b seq 2 type i\n', 20],
    ['a name that leads out of the folder', 'file ../a seq 1 type i\n', 0],
    ['the folder itself', 'file .. seq 1 type i\n', 0],
    ['an absolute name', 'file /etc/passwd seq 1 type i\n', 0],
    ['no sequence', 'file a seq 0 type i\n', 0],
    ['an unknown type', 'file a seq 1 type x\n', 0],
    ['a missing value', 'file a seq 1 type\n', 0],
    ['too few keys', 'file a seq 1\n', 0],
    ['an empty line', 'file a seq 1 type b\n\n', 20],
    ['no line feed at its end', 'file a seq 1 type b', 0],
    ['a long line', `file ${'a'.repeat(1100)} seq 1 type b\n`, 0],
    ['an open quote', 'file "a seq 1 type b\n', 0],
    ['a mark of byte order', '\ufefffile a seq 1 type b\n', 0],
  ])('is refused for %s', (_, text, offset) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({code: 'BAD_MANIFEST', offset}))
  })

  it('is refused where it is empty', () => {
    expect(() => parse('')).toThrow(expect.objectContaining({code: 'EMPTY_INPUT'}))
  })

  it('reads what it writes', () => {
    const name = fc
      .string({unit: 'binary', minLength: 1, maxLength: 40})
      .filter(one => !/[/\\\0]|^\.{1,2}$/.test(one) && Buffer.from(one).toString() === one)
    const file = fc.record({name, startOffset: fc.option(fc.nat(), {nil: undefined})})
    fc.assert(
      fc.property(fc.array(file, {minLength: 1, maxLength: 5}), fc.boolean(), (files, based) => {
        const all = files.map((one, i) => ({...one, sequence: i + 1, type: 'i' as const, others: []}))
        const base = based ? {name: 'a.base.rdb', sequence: 7, type: 'b' as const, others: []} : undefined
        const manifest: Manifest = {base, history: [], increments: all}
        const text = formatManifest(manifest)
        fc.pre(text.split('\n').every(line => line.length <= 1024))
        expect(parse(text)).toEqual(manifest)
      }),
    )
  })
})

describe('a chain', () => {
  const folder = temporaryFolder()
  function make(name: string, manifest: string, ...files: string[]): string {
    const path = join(folder.path, name)
    mkdirSync(path)
    writeFileSync(join(path, 'appendonly.aof.manifest'), manifest)
    for (const file of files) writeFileSync(join(path, file), '')
    return path
  }

  it('is the base, then the increments, whatever their order in the manifest', async () => {
    const path = make(
      'order',
      'file appendonly.aof.1.incr.aof seq 1 type i\nfile b.rdb seq 1 type b\n',
      'b.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.9.incr.aof',
      'temp-x',
    )
    const {files, strays} = await openChain(path)
    expect(files.map(({name}) => name)).toEqual(['b.rdb', 'appendonly.aof.1.incr.aof'])
    expect(strays).toEqual(['appendonly.aof.9.incr.aof'])
    expect((await openChain(join(path, 'appendonly.aof.manifest'))).files.length).toBe(2)
  })

  it('lacks no file that is loaded; one that is superseded may be gone', async () => {
    const there = make('history', 'file gone.aof seq 1 type h\nfile a seq 2 type i\n', 'a')
    expect((await openChain(there)).files.length).toBe(1)
    const missing = make('missing', 'file a seq 1 type i\n')
    await expect(openChain(missing)).rejects.toMatchObject({
      code: 'BAD_MANIFEST',
      message: expect.stringContaining('the file a, which is not there'),
    })
  })

  it('is of one manifest', async () => {
    const path = make('several', 'file a seq 1 type i\n', 'a')
    writeFileSync(join(path, 'other.manifest'), 'file a seq 1 type i\n')
    await expect(openChain(path)).rejects.toThrow(/several manifests.*appendonly\.aof\.manifest, other\.manifest/)
    mkdirSync(join(folder.path, 'none'))
    await expect(openChain(join(folder.path, 'none'))).rejects.toMatchObject({code: 'UNKNOWN_CONTAINER'})
  })
})
