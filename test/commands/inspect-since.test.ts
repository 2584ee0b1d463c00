/** `inspect --since`: growth, as a process of its own. */
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, list, RdbFile, text} from '../start/rdb.js'
import {rdbtool} from '../start/run.js'

const folder = temporaryFolder()
const older = folder.write('older.rdb', new RdbFile('REDIS', 9).db(0).key(0, 'user:1', text('v')).end())
const later = folder.write(
  'later.rdb',
  new RdbFile('REDIS', 9)
    .db(0)
    .key(0, 'user:1', text('v'))
    .key(0, 'user:2', text('v'.repeat(50)))
    .db(2)
    .key(1, 'queue', list(['a', 'b']))
    .end(),
)

const TABLE = `
since ${older}
keys  change  in file  change  of
   3      +2     81 B   +71 B  all
   2      +1     69 B   +59 B  database 0
   1      +1     12 B   +12 B  database 2
   2      +1     69 B   +59 B  type string
   1      +1     12 B   +12 B  type list
`

describe('inspect --since', () => {
  it('is a table behind the report', async () => {
    const {code, stdout, stderr} = await rdbtool(['inspect', later, '--since', older])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout.endsWith(TABLE), stdout).toBe(true)
  })

  it('is a member of the JSON, with prefixes and memory', async () => {
    const {since} = JSON.parse((await rdbtool(['inspect', later, '--since', older, '--json'])).stdout)
    expect(since).toMatchObject({
      source: older,
      before: {keys: 1, rdbBytes: 10},
      after: {keys: 3, rdbBytes: 81},
      databases: [
        {db: 0, before: {keys: 1}, after: {keys: 2}},
        {db: 2, before: {keys: 0}, after: {keys: 1}},
      ],
    })
    expect(since.prefixes).toMatchObject([{prefix: 'user:', before: {keys: 1}, after: {keys: 2}}])
    const less = JSON.parse((await rdbtool(['inspect', later, '--since', older, '--json', '--no-detail'])).stdout)
    expect(less.since).not.toHaveProperty('prefixes')
    expect(since.after.memoryBytes).toBe(less.memoryBytes)
    expect(less.since.after).toEqual(since.after)
    const {stdout} = await rdbtool(['inspect', later, '--since', older, '--detail'])
    expect(stdout).toMatch(/\nkeys {2}change +memory +change {2}in file {2}change {2}of\n/)
    expect(stdout.trimEnd().endsWith('  prefix user:')).toBe(true)
  })

  it('judges both by the same selection', async () => {
    const {stdout} = await rdbtool(['inspect', later, '--since', older, '--json', '--type', 'list'])
    expect(JSON.parse(stdout).since).toMatchObject({before: {keys: 0}, after: {keys: 1}})
  })

  it('says why there is nothing to compare with, and shows the report', async () => {
    const cut = folder.write('cut.rdb', fileOf(['a', 'b']).subarray(0, -10))
    const missing = join(folder.path, 'missing.rdb')
    for (const [path, exit] of [
      [cut, 3],
      [missing, 5],
    ] as const) {
      const {code, stdout, stderr} = await rdbtool(['inspect', later, '--since', path])
      expect(code).toBe(exit)
      expect(stdout).toContain('keys      3, none with an expiry')
      expect(stdout).not.toContain('since')
      expect(stderr).toContain(path)
      const json = JSON.parse((await rdbtool(['inspect', later, '--since', path, '--json'])).stdout)
      expect(json.since).toMatchObject({source: path, error: {code: exit === 3 ? 'TRUNCATED' : 'ENOENT'}})
    }
    const {code, stdout} = await rdbtool(['inspect', cut, '--since', older])
    expect(code).toBe(3)
    expect(stdout).not.toContain('since')
  })

  it('takes one source, and standard input once', async () => {
    expect((await rdbtool(['inspect', later, later, '--since', older])).code).toBe(2)
    expect((await rdbtool(['inspect', '-', '--since', '-'], {input: fileOf(['a'])})).code).toBe(2)
    const {stdout} = await rdbtool(['inspect', '-', '--since', older, '--json'], {input: fileOf(['a', 'b'])})
    expect(JSON.parse(stdout).since).toMatchObject({before: {keys: 1}, after: {keys: 2}})
  })
})
