/** `inspect` as a process of its own: what it answers about real snapshots, as JSON and as text. */

import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {answeredOf, expectedOf, fixturesOf, type Json} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {integer, RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', 'rdb', `${name}.rdb`)
const NOW = '2050-01-01T00:00:00Z'

async function jsonOf(args: string[], input?: Uint8Array): Promise<Json> {
  const {code, stdout, stderr} = await rdbtool(['inspect', ...args, '--json'], {input})
  expect({code, stderr}).toEqual({code: 0, stderr: ''})
  return JSON.parse(stdout)
}

/** One of every kind; all others are counted in process, in test/jobs. */
const SOME =
  /^(databases-many-v10|expiry-v10|functions-v12|module-vectorset-v12|hash-hashtable-ttl-v80|stream-groups-v10)$/

describe.each(fixturesOf('rdb').filter(({name}) => SOME.test(name)))('inspect --json: $name', ({path, golden}) => {
  it('tells the numbers of the golden', async () => {
    const json = await jsonOf([path, '--now', NOW])
    const expected = expectedOf(golden, Date.parse(NOW))
    expect(answeredOf(json, expected)).toEqual(expected)
    expect(json).toMatchObject({source: path, format: 'rdb', checksum: 'ok', bytes: readFileSync(path).length})
    expect(json).toMatchObject({product: golden.meta.product, serverVersion: golden.meta.serverVersion})
    expect(json.warnings.map(({code}: Json) => code)).toEqual(path.includes('databases-many') ? ['HIGH_DATABASES'] : [])
    expect(json.aux).toMatchObject({'redis-bits': '64', ctime: expect.stringMatching(/^\d+$/)})
    expect(json).not.toHaveProperty('error')
  })
})

/** A file whose every byte is known here. */
function sample(): RdbFile {
  return new RdbFile('REDIS', 9)
    .aux('redis-ver', '6.2.7')
    .aux('redis-bits', '64')
    .aux('ctime', '1700000000')
    .aux('used-mem', '2097152')
    .aux('repl-id', 'f'.repeat(40))
    .db(0)
    .expireMs(Date.parse('2023-11-14T22:00:00Z'))
    .key(0, 'session:1', text('x'.repeat(2000)))
    .expireMs(Date.parse('2023-12-14T22:13:20Z'))
    .key(0, 'session:2', text('y'))
    .key(0, 'counter', integer(7))
    .db(12)
    .key(1, 'queue', {bytes: Buffer.from([2, 1, 0x61, 1, 0x62]), type: 'list', value: ['a', 'b']})
}
const SAMPLE_NOW = ['--now', '2023-11-14T23:13:20Z']

const REPORT = `producer  Redis 6.2.7, 64-bit
format    RDB version 9 (REDIS)
written   2023-11-14T22:13:20Z (60 minutes ago)
memory    2.00 MiB in use by the server when it was written
size      2.16 KiB (2,207 bytes)
checksum  ok
keys      4, of which 2 (50.0 %) with an expiry, 1 already expired

database  keys  expiring  expired   in file   share
       0     3         2        1  2.01 KiB  99.4 %
      12     1         0        0      12 B   0.6 %

type    encoding    keys  elements   in file   share
string  raw            2         -  2.00 KiB  98.9 %
list    linkedlist     1         2      12 B   0.6 %
string  int            1         -      11 B   0.5 %

 in file  elements  type    encoding    expires     db  biggest keys
1.97 KiB         -  string  raw         expired      0  session:1
    22 B         -  string  raw         in 29 days   0  session:2
    12 B         2  list    linkedlist  never       12  queue
    11 B         -  string  int         never        0  counter

aux field  value
repl-id    ffffffffffffffffffffffffffffffffffffffff
`

describe('inspect: the report', () => {
  const path = folder.write('sample.rdb', sample().end())

  it('is this text', async () => {
    const {code, stdout, stderr} = await rdbtool(['inspect', path, ...SAMPLE_NOW])
    expect(stdout).toBe(`${path}\n${REPORT}`)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
  })

  it('takes one moment in every way of writing it', async () => {
    for (const now of ['@1700003600', '2023-11-14T23:13:20', '2023-11-15T01:13:20+02:00', '2023-11-14 23:13:20Z']) {
      expect((await rdbtool(['inspect', path, '--now', now])).stdout).toBe(`${path}\n${REPORT}`)
    }
  })

  it('is the same from standard input, by pipe and by redirection, compressed or not', async () => {
    const packed = folder.write('sample.rdb.gz', gzipSync(sample().end()))
    const size = `size      2.16 KiB (2,207 bytes), ${readFileSync(packed).length} B compressed`
    const env = {F: path, Z: packed}
    const now = SAMPLE_NOW.join(' ')
    const from = async (line: string): Promise<string> => (await shell(line, {env})).stdout
    expect(await from(`cat "$F" | rdbtool inspect - ${now}`)).toBe(`standard input\n${REPORT}`)
    expect(await from(`rdbtool inspect - ${now} < "$F"`)).toBe(`standard input\n${REPORT}`)
    expect(await from(`cat "$Z" | rdbtool inspect - ${now}`)).toBe(`standard input\n${REPORT}`)
    expect(await from(`rdbtool inspect - ${now} < "$Z"`)).toBe(`standard input\n${REPORT.replace(/^size.*/m, size)}`)
    expect(await from(`rdbtool inspect "$Z" ${now}`)).toBe(`${packed}\n${REPORT.replace(/^size.*/m, size)}`)
  })

  it('reads a redirected file from where its descriptor stands', async () => {
    const env = {F: folder.write('behind.bin', Buffer.concat([Buffer.from('header'), sample().end()]))}
    const line = `{ head -c 6 > /dev/null; rdbtool inspect - ${SAMPLE_NOW.join(' ')}; } < "$F"`
    expect((await shell(line, {env})).stdout).toBe(`standard input\n${REPORT}`)
  })

  it('says what an empty snapshot is, and an absent checksum', async () => {
    const empty = folder.write('empty.rdb', new RdbFile('REDIS', 9).end('zero'))
    const {code, stdout} = await rdbtool(['inspect', empty])
    expect(code).toBe(0)
    expect(stdout).toBe(`${empty}
producer  unknown
format    RDB version 9 (REDIS)
size      18 bytes
checksum  absent: nothing vouches for the bytes
keys      none

warning: the file carries no checksum: damage inside values would go unnoticed (CHECKSUM_ABSENT, byte 18)
`)
  })

  it('names functions, modules and slots', async () => {
    const functions = await rdbtool(['inspect', fixture('functions-v10')])
    expect(functions.stdout).toContain(`function library  engine  source
second            lua      386 B
first             lua       83 B
`)
    const modules = await rdbtool(['inspect', fixture('module-vectorset-v12')])
    expect(modules.stdout).toContain(`module     version  keys  in file
vectorset        0     2    218 B
`)
    const slots = await rdbtool(['inspect', fixture('cluster-v80')])
    expect(slots.stdout).toContain("\nslots     48 of a cluster's 16,384 hold keys\n")
    const base = await rdbtool(['inspect', fixture('aof-base-v10')])
    expect(base.stdout).toContain('\nformat    RDB version 10 (REDIS), base of an append-only log\n')
  })
})

describe('inspect --top', () => {
  const file = new RdbFile('REDIS', 9)
  // Eight records of one size: the order of the file must not show.
  for (const db of [2, 1]) {
    file.db(db)
    for (const key of ['d', 'b', 'c', 'a']) file.key(0, key, text('same'))
  }
  const path = folder.write('ties.rdb', file.end())
  const names = (json: Json): string[] => json.biggest.map(({db, key}: Json) => `${db}:${key}`)

  it('breaks ties by database, then key', async () => {
    expect(names(await jsonOf([path]))).toEqual(['1:a', '1:b', '1:c', '1:d', '2:a', '2:b', '2:c', '2:d'])
    expect(names(await jsonOf([path, '--top', '3']))).toEqual(['1:a', '1:b', '1:c'])
    expect(names(await jsonOf([path, '--top', '5']))).toEqual(['1:a', '1:b', '1:c', '1:d', '2:a'])
  })

  it('0 leaves the keys out', async () => {
    expect((await jsonOf([path, '--top', '0'])).biggest).toEqual([])
    expect((await rdbtool(['inspect', path, '--top', '0'])).stdout).not.toContain('biggest keys')
  })
})

describe('inspect --ignore-checksum', () => {
  const path = folder.write('wrong.rdb', sample().end('wrong'))

  it('makes a wrong checksum a warning', async () => {
    const json = await jsonOf([path, '--ignore-checksum'])
    expect(json).toMatchObject({keys: 4, checksum: 'mismatch'})
    expect(json.warnings).toEqual([expect.objectContaining({code: 'BAD_CHECKSUM', offset: 2199})])
    const {code, stdout, stderr} = await rdbtool(['inspect', path, '--ignore-checksum'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain('\nchecksum  WRONG: the file changed after it was written\n')
    expect(stdout).toContain('\nwarning: the checksum is wrong')
  })

  it('does not make other damage one', async () => {
    const cut = folder.write('cut.rdb', sample().end().subarray(0, 2190))
    expect((await rdbtool(['inspect', cut, '--ignore-checksum'])).code).toBe(3)
  })
})
