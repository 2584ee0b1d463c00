/** `build --split-slots` as a process of its own: what it says, and its exit codes. */
import {existsSync, readFileSync, renameSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {rdbtool} from '../start/run.js'

const folder = temporaryFolder()
const source = folder.write('source.rdb', fileOf(['a', 'b', 'c', '{a}b', 'd']))
let outs = 0
const newOut = (): string => join(folder.path, `out-${outs++}`)

describe('build --split-slots', () => {
  it('tells of every shard, for people and as data', async () => {
    const out = newOut()
    const {code, stdout, stderr} = await rdbtool(['build', source, '--out', `${out}/`, '--split-slots', '2'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain(`
keys      5

file             slots       number  keys  size
shard-00000.rdb  0-8191       8,192     2  67 B
shard-08192.rdb  8192-16383   8,192     3  75 B
`)
    const other = newOut()
    const json = await rdbtool(['build', source, '--out', other, '--split-slots', '2', '--json'])
    const manifest = JSON.parse(readFileSync(join(other, 'manifest.json'), 'utf8'))
    expect(JSON.parse(json.stdout)).toMatchObject({out: other, keysOut: 5, shards: manifest.shards})
    expect(manifest).toMatchObject({sources: [source], shards: [{keys: 2}, {keys: 3}]})
  })

  it('is undone by build, and read by inspect', async () => {
    const [out, all] = [newOut(), `${newOut()}.rdb`]
    await rdbtool(['build', source, '--out', out, '--split-slots', '3'])
    expect((await rdbtool(['build', out, '--out', all])).code).toBe(0)
    expect((await rdbtool(['diff', source, all])).code).toBe(0)
    const {stdout} = await rdbtool(['inspect', out, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({sources: {length: 3}, total: {keys: 5}})
    const {code, stderr} = await rdbtool(['dump', out])
    expect(code).toBe(2)
    expect(stderr).toContain('this is a folder of shards')
  })

  it('1: keys are not of their shard, and are told', async () => {
    const out = newOut()
    await rdbtool(['build', source, '--out', out, '--split-slots', '2'])
    const [one, other] = ['shard-00000.rdb', 'shard-08192.rdb'].map(name => join(out, name)) as [string, string]
    renameSync(one, `${one}.x`)
    renameSync(other, one)
    renameSync(`${one}.x`, other)
    const {code, stdout} = await rdbtool(['build', out, '--out', `${newOut()}.rdb`])
    expect(code).toBe(1)
    expect(stdout).toContain('misplaced 5 of slots that their shard does not have')
  })

  it.each([
    ['no number of shards', ['--split-slots', '0'], 2, 'is no number of shards'],
    ['a file that is something else', ['--split-slots', source], 2, 'this is no node of a cluster'],
    ['a log', ['--split-slots', '2', '--format', 'aof'], 2, 'shards are snapshots'],
    ['standard output', ['--split-slots', '2', '--out', '-'], 2, 'several files do not go to standard output'],
    ['a file that is not there', ['--split-slots', 'nowhere.conf'], 5, 'nowhere.conf'],
  ])('refuses %s', async (_, args, exit, said) => {
    const out = newOut()
    const {code, stderr} = await rdbtool(['build', source, ...(args.includes('--out') ? [] : ['--out', out]), ...args])
    expect(stderr).toContain(said)
    expect(code).toBe(exit)
    expect(existsSync(out)).toBe(false)
  })
})
