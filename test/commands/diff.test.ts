/** diff as it is typed: what it prints, its exit codes, and what it refuses. */
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {fixture} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {hasTerminal, rdbtool, shell, terminal} from '../start/run.js'

const folder = temporaryFolder()

const one = (name: string, keys: Record<string, string>): string => {
  const file = new RdbFile('REDIS', 9).db(0)
  for (const [key, value] of Object.entries(keys)) file.key(0, key, text(value))
  return folder.write(name, file.end())
}

const before = one('before.rdb', {a: '1', b: '2', gone: 'x', '\u001b[31mred': 'y'})
const after = one('after.rdb', {a: '1', b: '3', come: 'x'})

const SCREEN = `DIFFERENT: 2 removed, 1 added, 1 changed
before  ${before}: RDB version 9, 4 keys
after   ${after}: RDB version 9, 3 keys
same    1

db  before  after  removed  added  changed  same
 0       4      3        2      1        1     1

type    before  after  removed  added  changed  same
string       4      3        2      1        1     1

change   db  key          type    largest differences
changed   0  b            string  value: "2" → "3"
removed   0  gone         string  string
removed   0  \\x1b[31mred  string  string
added     0  come         string  string
`

describe('diff', () => {
  it('shows counts, then the largest differences, and exits with 1', async () => {
    expect(await rdbtool(['diff', before, after])).toEqual({code: 1, signal: null, stdout: SCREEN, stderr: ''})
  })

  it('says that both are equal, and exits with 0', async () => {
    const {code, stdout} = await rdbtool(['diff', before, before])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^EQUAL: 4 keys\n/)
  })

  it('prints JSON', async () => {
    const {code, stdout} = await rdbtool(['diff', before, after, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ...{equal: false, added: 1, removed: 2, changed: 1, same: 1, notCompared: 0},
      before: {source: before, format: 'rdb', rdbVersion: 9, keys: 4, complete: true},
      databases: [{db: 0, before: 4, after: 3, removed: 2, added: 1, changed: 1, same: 1, notCompared: 0}],
      types: [{type: 'string', before: 4, after: 3}],
      differences: [
        {change: 'changed', db: 0, key: 'b', type: 'string', parts: {value: 1}, examples: ['value: "2" → "3"']},
        {change: 'removed', key: 'gone'},
        {change: 'removed', key: '\u001b[31mred'},
        {change: 'added', key: 'come'},
      ],
    })
    expect(stdout).not.toContain('\u001b')
    const {stdout: summary} = await rdbtool(['diff', before, after, '--json', '--summary'])
    expect(JSON.parse(summary)).not.toHaveProperty('differences')
  })

  it('writes a line for each difference, to standard output or a file', async () => {
    const {code, stdout, stderr} = await rdbtool(['diff', before, after, '--jsonl'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^DIFFERENT: /)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.slice(0, -1)).toEqual([
      {change: 'removed', db: 0, key: 'gone', type: 'string', count: 1, value: 'x'},
      {change: 'removed', db: 0, key: '\u001b[31mred', type: 'string', count: 1, value: 'y'},
      {change: 'added', db: 0, key: 'come', type: 'string', count: 1, value: 'x'},
      {change: 'changed', db: 0, key: 'b', type: 'string', differences: [{what: 'value', before: '2', after: '3'}]},
    ])
    expect(lines.at(-1)).toMatchObject({summary: {equal: false, added: 1}})
    const out = join(folder.path, 'out.jsonl')
    const args = ['diff', before, after, '--jsonl', '--out', out]
    expect(await rdbtool([...args, '--quiet'])).toEqual({code: 1, signal: null, stdout: '', stderr: ''})
    expect(readFileSync(out, 'utf8')).toBe(stdout)
    expect((await rdbtool(args)).code).toBe(2)
    expect((await rdbtool([...args, '--force'])).code).toBe(1)
  })

  it('writes a patch of commands', async () => {
    const {code, stdout, stderr} = await rdbtool(['diff', before, after, '--format', 'resp'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^DIFFERENT: /)
    const words = stdout.split('\r\n').filter(line => !/^[*$]\d+$/.test(line))
    expect(words.join(' ')).toBe('SELECT 0 DEL gone DEL \u001b[31mred SELECT 0 SET come x SELECT 0 SET b 3 ')
    expect((await rdbtool(['diff', before, before, '--format', 'resp', '--quiet'])).stdout).toBe('')
    const cut = folder.write('cut-patch.rdb', readFileSync(before).subarray(0, 24))
    const out = join(folder.path, 'patch.resp')
    expect((await rdbtool(['diff', cut, before, '--format', 'resp', '--out', out])).code).toBe(3)
    expect(existsSync(out)).toBe(false)
  })

  it('takes a pipe, a named one, and what is compressed', async () => {
    const packed = folder.write('after.rdb.gz', gzipSync(readFileSync(after)))
    const {stdout, code} = await shell(`cat ${before} | rdbtool diff - ${packed} --summary`)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^DIFFERENT: 2 removed, 1 added, 1 changed\nbefore {2}standard input: /)
    const named = await shell(`rdbtool diff <(cat ${before}) <(cat ${after}) --json`)
    expect(JSON.parse(named.stdout)).toMatchObject({changed: 1, removed: 2, added: 1})
  })

  it('shows what it can of a damaged side, and exits with 3', async () => {
    const cut = folder.write('cut.rdb', readFileSync(before).subarray(0, 24))
    const {code, stdout, stderr} = await rdbtool(['diff', cut, before])
    expect(code).toBe(3)
    expect(stdout).toMatch(/^NOT KNOWN TO BE EQUAL: \d not compared\n/)
    expect(stdout).toMatch(/read up to its damage only/)
    expect(stderr).toMatch(/cut\.rdb: .*\(TRUNCATED\)\n {2}where /)
    const {code: jsonCode, stdout: json} = await rdbtool(['diff', cut, before, '--json'])
    expect(jsonCode).toBe(3)
    expect(JSON.parse(json)).toMatchObject({equal: false, before: {complete: false, failure: {code: 'TRUNCATED'}}})
  })

  it('says in words what of a key differs, and where that is but its use', async () => {
    const of = (name: string, idleSeconds: number, seenAtMs: number): string => {
      const key = (more: object) => JSON.stringify({db: 0, key: name, ...more})
      const consumers = [{name: 'c', seenAtMs, activeAtMs: -1}]
      const groups = [{name: 'g', lastId: '1-1', entriesRead: 1, pending: [], consumers}]
      const facts = {entries: [], lastId: `${idleSeconds}-1`, maxDeletedId: '0-0', entriesAdded: 1, groups}
      const rows = [
        key({key: 'used', type: 'string', idleSeconds, value: 'v'}),
        key({key: 'also', type: 'string', idleSeconds, value: String(idleSeconds)}),
        key({key: 'stream', type: 'stream', value: facts}),
      ]
      return folder.write(`${name}.jsonl`, ['{"meta":{}}', ...rows, ''].join('\n'))
    }
    const [one, other] = [of('one', 3, 1_700_000_000_000), of('other', 4, 1_700_000_001_000)]
    const {stdout} = await rdbtool(['diff', one, other])
    expect(stdout).toContain('hint    1 key changed in idle time or access frequency only: --ignore idle,frequency')
    expect(stdout).toContain('last ID: 3-1 → 4-1. 1 consumer: g c seen 2023-11-14T22:13:20Z, active never → seen 2023-')
    const all = ['--ignore', 'idle', '--ignore', 'consumers,functions', '--ttl-tolerance', '0', '--json']
    expect(JSON.parse((await rdbtool(['diff', one, other, ...all])).stdout)).toMatchObject({changed: 2})
  })

  it('needs no temporary file to stay', async () => {
    const tmp = join(folder.path, 'tmp')
    const {stdout} = await shell(
      `mkdir ${tmp}; cat ${before} | TMPDIR=${tmp} rdbtool diff - ${after} --memory 4kb >/dev/null; ls -A ${tmp}`,
    )
    expect(stdout).toBe('')
    expect(existsSync(tmp)).toBe(true)
  })

  it.each([
    [['a.rdb'], /something is missing:\n {2}after/],
    [['-', '-'], /standard input can be read once/],
    [[before, after, '--ignore', 'ttl'], /"ttl" cannot be ignored: give idle, frequency, consumers, functions/],
    [[before, after, '--ttl-tolerance', '2'], /"2" is no span of time/],
    [[before, after, '--map-db', '1'], /"1" maps no database/],
    [[before, after, '--out', 'x'], /--out is where lines or commands go/],
    [[before, after, '--format', 'resp', '--map-db', '1=0'], /--map-db is of no use to a patch/],
    [[before, after, '--map-db', '1=0', '--map-db', '1=2'], /--map-db says twice what database 1 counts as/],
    [[before, after, '--json', '--jsonl'], /--json=true cannot also be provided|--jsonl/],
  ])('refuses %j', async (args, words) => {
    const {code, stdout, stderr} = await rdbtool(['diff', ...args])
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).toMatch(words)
  })

  it('names the side that cannot be opened', async () => {
    const {code, stderr} = await rdbtool(['diff', before, join(folder.path, 'no.rdb')])
    expect(code).toBe(5)
    expect(stderr).toMatch(/no\.rdb: there is no such file/)
    const {code: foreign} = await rdbtool(['diff', before, folder.write('text', 'hello world, this is no snapshot')])
    expect(foreign).toBe(3)
  })

  it.skipIf(!hasTerminal).each([60, 80, 160])('fits a terminal of %d columns', async columns => {
    const [a, b] = ['rdb/stream-groups-v10', 'rdb/stream-deleted-v12'].map(name => fixture(`${name}.rdb`).path)
    const {stdout} = await terminal(`rdbtool diff ${a} ${b}; rdbtool diff ${before} ${after}`, columns)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what dresses the text
    const lines = stdout.replaceAll(/\u001b\[\d*m/g, '').split(/\r?\n/)
    const paths = /^(before|after) /
    expect(lines.filter(line => line.length > columns && !paths.test(line))).toEqual([])
    expect(stdout).toContain('\u001b[32madded')
  })
})
