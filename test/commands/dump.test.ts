/** `dump` as a process of its own: where it writes, what it says, and its exit codes. */
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, list, RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.rdb`)

const small = folder.write(
  'small.rdb',
  new RdbFile('REDIS', 9)
    .aux('redis-ver', '6.2.1')
    .db(0)
    .key(0, 'user:1', text('Ada'))
    .key(1, 'queue', list(['a', 'b']))
    .db(3)
    .key(0, Buffer.from([0xff]), text('x'))
    .end(),
)

const JSONL = `{"meta":{"product":"redis","serverVersion":"6.2.1","rdbVersion":9,"aux":{"redis-ver":"6.2.1"}}}
{"db":0,"key":"user:1","type":"string","count":3,"value":"Ada"}
{"db":0,"key":"queue","type":"list","encoding":"linkedlist","count":2,"value":["a","b"]}
{"db":3,"key":{"base64":"/w=="},"type":"string","count":1,"value":"x"}
`

/** A new folder, and a name in it. */
function fresh(name: string): string {
  mkdirSync(join(folder.path, name))
  return join(folder.path, name, 'out')
}

describe('dump', () => {
  it('writes JSON lines to standard output, and counts to standard error', async () => {
    const {code, stdout, stderr} = await rdbtool(['dump', small])
    expect({code, stdout}).toEqual({code: 0, stdout: JSONL})
    expect(stderr).toBe('written  3 keys, 320 B, to standard output\n')
    expect(await rdbtool(['dump', small, '--quiet'])).toMatchObject({code: 0, stdout: JSONL, stderr: ''})
  })

  it('reads standard input, compressed or not', async () => {
    const packed = folder.write('small.rdb.gz', gzipSync(readFileSync(small)))
    for (const line of ['cat "$F" | rdbtool dump -', 'rdbtool dump "$Z"', 'rdbtool dump - < "$Z"']) {
      expect(await shell(line, {env: {F: small, Z: packed}})).toMatchObject({code: 0, stdout: JSONL})
    }
  })

  it('writes megabytes to a file, and to whoever reads them late and in pieces', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (let i = 0; i < 40_000; i++) file.key(0, `key:${i}`, text(`value ${i} `.repeat(1 + (i % 17))))
    const path = folder.write('megabytes.rdb', file.end())
    const slowly = `node -e "process.stdin.on('readable', () => setTimeout(() => { const some = process.stdin.read(); if (some) process.stdout.write(some) }, 5))"`
    const sums = `rdbtool dump "$F" --out "$O" --quiet && rdbtool dump "$F" --quiet > "$O.2" && cmp "$O" "$O.2" && rdbtool dump "$F" --quiet | ${slowly} | cmp - "$O" && wc -c < "$O"`
    const {code, stdout, stderr} = await shell(sums, {env: {F: path, O: fresh('megabytes')}})
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(Number(stdout)).toBeGreaterThan(4e6)
  })

  it('writes an array, and keys alone', async () => {
    const {stdout} = await rdbtool(['dump', small, '--format', 'json'])
    expect(JSON.parse(stdout)).toEqual(
      JSONL.trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    )
    expect((await rdbtool(['dump', small, '--format', 'keys'])).stdout).toBe('user:1\nqueue\n\\xff\n')
  })

  it('takes the keys that are asked for, and says how many were not', async () => {
    const {code, stdout, stderr} = await rdbtool(['dump', small, '--format', 'keys', '--db', '0', '--type', 'list'])
    expect({code, stdout}).toEqual({code: 0, stdout: 'queue\n'})
    expect(stderr).toContain('selected 1 of 3 keys; passed over 1 by --db, 1 by --type\n')
  })

  it('what is passed over may be all', async () => {
    const {code, stdout} = await rdbtool(['dump', small, '--match', 'nothing', '--format', 'json'])
    expect({code, keys: JSON.parse(stdout).length}).toEqual({code: 0, keys: 1})
  })
})

describe('dump by size', () => {
  it('reads the source twice, and writes what has the size', async () => {
    const big = folder.write(
      'big.rdb',
      new RdbFile('REDIS', 9)
        .aux('redis-ver', '6.2.1')
        .db(0)
        .key(0, 'a', text('x'))
        .key(0, 'b', text('y'.repeat(5000)))
        .end(),
    )
    const {code, stdout, stderr} = await rdbtool(['dump', big, '--min-bytes', '4kb', '--format', 'keys'])
    expect({code, stdout}).toEqual({code: 0, stdout: 'b\n'})
    expect(stderr).toContain('selected 1 of 2 keys; passed over 1 by --min-bytes and --max-bytes')
    expect((await rdbtool(['dump', big, '--max-bytes', '4kb', '--format', 'keys'])).stdout).toBe('a\n')
    const piped = await shell('cat "$F" | rdbtool dump - --min-bytes 1', {env: {F: big}})
    expect(piped.code).toBe(2)
    expect(piped.stderr).toContain('name a file')
  })
})

describe('dump --format', () => {
  it('resp and csv are read back', async () => {
    for (const format of ['resp', 'csv']) {
      const {stdout, code} = await rdbtool(['dump', small, '--format', format, '--quiet'])
      expect(code).toBe(0)
      const again = await rdbtool(['dump', '-', '--format', 'jsonl', '--quiet'], {input: Buffer.from(stdout, 'latin1')})
      if (format === 'csv') expect(again.stdout).toContain('{"db":0,"key":"queue","type":"list"')
      expect(again.stdout).toContain('{"db":0,"key":"user:1","type":"string","count":3,"value":"Ada"}')
    }
  })

  it('that cannot carry something says so, and exits with 1 unless that is allowed', async () => {
    const vectors = fixture('rdb/module-vectorset-v12')
    const args = ['dump', vectors, '--format', 'resp', '--restore', 'never']
    const {code, stderr} = await rdbtool(args)
    expect(code).toBe(1)
    expect(stderr).toContain('left out 2 keys of the type module, which no command creates')
    expect(await rdbtool([...args, '--allow-loss'])).toMatchObject({code: 0})
    expect(await rdbtool(['dump', vectors, '--format', 'resp'])).toMatchObject({code: 0})
  })
})

describe('dump --out', () => {
  it('writes a file, in the format that its name ends in', async () => {
    const out = fresh('named')
    expect(await rdbtool(['dump', small, '--out', out])).toMatchObject({code: 0, stdout: ''})
    expect(readFileSync(out, 'utf8')).toBe(JSONL)
    await rdbtool(['dump', small, '-o', `${out}.json`])
    expect(JSON.parse(readFileSync(`${out}.json`, 'utf8'))).toHaveLength(4)
    await rdbtool(['dump', small, '-o', `${out}.keys`])
    expect(readFileSync(`${out}.keys`, 'utf8')).toBe('user:1\nqueue\n\\xff\n')
    await rdbtool(['dump', small, '-o', `${out}2.json`, '--format', 'jsonl'])
    expect(readFileSync(`${out}2.json`, 'utf8')).toBe(JSONL)
  })

  it('does not replace a file unless told to', async () => {
    const out = fresh('taken')
    await rdbtool(['dump', small, '--out', out])
    const {code, stderr} = await rdbtool(['dump', small, '--out', out, '--format', 'keys'])
    expect(code).toBe(2)
    expect(stderr).toContain('--force')
    expect(readFileSync(out, 'utf8')).toBe(JSONL)
    expect(await rdbtool(['dump', small, '--out', out, '--format', 'keys', '--force'])).toMatchObject({code: 0})
    expect(readFileSync(out, 'utf8')).toContain('queue')
  })

  const damaged = readFileSync(small)
  damaged[damaged.length - 1]! ^= 1
  const wrong = folder.write('wrong.rdb', damaged)

  it('publishes nothing of a source that is bad at its end, unless told to', async () => {
    const out = fresh('wrong')
    const refused = await rdbtool(['dump', wrong, '--out', out])
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('BAD_CHECKSUM')
    expect(readdirSync(join(folder.path, 'wrong'))).toEqual([])
    const ignored = await rdbtool(['dump', wrong, '--out', out, '--ignore-checksum'])
    expect(ignored.code).toBe(0)
    expect(ignored.stderr).toContain('warning: the checksum is wrong')
    expect(readFileSync(out, 'utf8')).toBe(JSONL)
  })

  it('of a stream what could be read has been seen; the exit code tells', async () => {
    const {code, stdout, stderr} = await rdbtool(['dump', wrong])
    expect(code).toBe(3)
    expect(stdout).toBe(JSONL.trimEnd())
    expect(stderr).toContain('BAD_CHECKSUM')
    const cut = folder.write('cut.rdb', readFileSync(fixture('rdb/cluster-v10')).subarray(0, 700))
    const {code: cutCode, stdout: some} = await rdbtool(['dump', cut])
    expect(cutCode).toBe(3)
    expect(some).toContain('{"meta":')
  })

  it('leaves nothing behind when the source is no source', async () => {
    const out = fresh('none')
    expect(await rdbtool(['dump', folder.write('text', 'no source'), '--out', out])).toMatchObject({code: 3})
    expect(await rdbtool(['dump', join(folder.path, 'missing.rdb'), '--out', out])).toMatchObject({code: 5})
    expect(readdirSync(join(folder.path, 'none'))).toEqual([])
  })

  it('a folder that is not there, and a full disk', async () => {
    expect(await rdbtool(['dump', small, '--out', join(folder.path, 'no', 'out')])).toMatchObject({code: 5})
    if (!existsSync('/dev/full')) return
    const {code, stderr} = await shell('rdbtool dump "$F" > /dev/full', {env: {F: small}})
    expect({code, full: stderr.includes('disk is full')}).toEqual({code: 5, full: true})
  })
})

it('a pipe that closes early ends the run without a word', async () => {
  const many = folder.write(
    'many.rdb',
    fileOf(Array.from({length: 50_000}, (_, at) => `a rather long key of number ${at}`)),
  )
  const {stdout, stderr} = await shell(`rdbtool dump "$F" | head -1; echo "\${PIPESTATUS[@]}"`, {env: {F: many}})
  expect(stdout.split('\n').slice(1)).toEqual(['0 0', ''])
  expect(stderr).toBe('')
})
