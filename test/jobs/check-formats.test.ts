/** What check finds in JSON lines, tables and commands, and that it finds nothing in what is sound. */
import {describe, expect, it} from 'vitest'
import {MemoryTarget} from '../../src/bytes/target.js'
import {check} from '../../src/jobs/check.js'
import type {Check, CheckOptions} from '../../src/jobs/check-options.js'
import {dump} from '../../src/jobs/dump.js'
import {problemsJson} from '../../src/report/problems-json.js'
import {readable} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let files = 0

async function checked(text: string | Uint8Array, ending: string, options?: CheckOptions): Promise<Check> {
  return await check(folder.write(`${files++}.${ending}`, text), {onlyCreates: ending === 'resp', ...options})
}

const problemsOf = ({soundness}: Check): string[] =>
  soundness!.problems.map(({code, severity}) => code + (severity === 'warning' ? '?' : ''))

/** What is odd about the snapshots themselves; nothing else is found in what they are written as. */
const ODD =
  /databases-many|database-99|collections-empty|function-release-candidate|key-twice|zset-ascii-nan|stream-two-consumers/

describe.each(readable.filter(({name}) => !ODD.test(name)).map(one => [one.name, one] as const))('%s', (_, {path}) => {
  it.each(['jsonl', 'csv', 'resp'] as const)('is sound as %s', async format => {
    const target = new MemoryTarget()
    const {keys, failure} = await dump(path, target, {format, ignoreChecksum: true})
    if (failure !== undefined || target.bytes === 0) return
    const found = await checked(target.view(), format)
    expect(found.failure).toBeUndefined()
    expect(found.soundness).toMatchObject({format, keys, errors: 0, warnings: 0, bytes: target.bytes})
    expect(found.soundness!.checksum).toBe('absent')
  })
})

const META = '{"meta":{"product":"redis","serverVersion":"7.2.4","rdbVersion":11}}'
const key = (name: string, type: string, value: unknown, more: object = {}): string =>
  JSON.stringify({db: 0, key: name, type, value, ...more})
const lines = (...all: string[]): string => `${[META, ...all].join('\n')}\n`
const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const stream = (ids: string[], more: object = {}): unknown => ({
  ...{entries: ids.map(id => [id, ['f', 'v']]), lastId: ids.at(-1)},
  ...more,
})
const group = (pending: unknown[], consumers: string[] = []): object => ({
  groups: [{name: 'g', lastId: '1-1', pending, consumers: consumers.map(name => ({name, seenAtMs: 1}))}],
})
const A = key('a', 'string', 'x')

describe.each([
  ['a key that is there twice', 'jsonl', lines(A, key('b', 'string', 'y'), A), 'DUPLICATE_KEY', true],
  ['the same in an array', 'jsonl', `[${A}, ${key('b', 'string', 'y')}, ${A}]`, 'DUPLICATE_KEY', true],
  ['a row that is there twice', 'csv', 'key,value\na,1\nb,2\na,3\n', 'DUPLICATE_KEY', true],
  [
    'a key whose commands do not stand together',
    ...['resp', command('RPUSH', 'a', '1') + command('SET', 'b', '2') + command('RPUSH', 'a', '3'), 'DUPLICATE_KEY'],
    true,
  ],
  ['a member twice', 'jsonl', lines(key('s', 'set', ['x', 'y', 'x'])), 'DUPLICATE_ELEMENT', true],
  ['a field twice', 'csv', 'key,type,value\nh,hash,"[[""f"",""1""],[""f"",""2""]]"\n', 'DUPLICATE_ELEMENT', true],
  ['a member sent twice', 'resp', command('ZADD', 'z', '1', 'm', '2', 'm'), 'DUPLICATE_ELEMENT', true],
  ['entries out of order', 'jsonl', lines(key('s', 'stream', stream(['2-1', '1-1']))), 'STREAM_ORDER', true],
  [
    'a last ID too small',
    'jsonl',
    lines(key('s', 'stream', stream(['1-1', '2-1'], {lastId: '1-1'}))),
    'STREAM_LAST_ID',
    true,
  ],
  [
    'a pending entry of nobody',
    'jsonl',
    lines(key('s', 'stream', stream(['1-1'], group([['1-1', null, 1, 1]])))),
    'PENDING_UNOWNED',
    true,
  ],
  [
    'one of an unknown consumer',
    'jsonl',
    lines(key('s', 'stream', stream(['1-1'], group([['1-1', 'c', 1, 1]])))),
    'BAD_JSON',
    false,
  ],
  [
    'pending entries out of order',
    'jsonl',
    lines(
      key(
        's',
        'stream',
        stream(
          ['1-1', '2-1'],
          group(
            [
              ['2-1', 'c', 1, 1],
              ['1-1', 'c', 1, 1],
            ],
            ['c'],
          ),
        ),
      ),
    ),
    'BAD_JSON',
    false,
  ],
  ['a shape that is none', 'jsonl', lines(A, key('h', 'hash', {f: 'v'})), 'BAD_JSON', false],
  ['a wrong count', 'jsonl', lines(key('l', 'list', ['x'], {count: 2})), 'BAD_COUNT', false],
  ['a line that ends too early', 'jsonl', lines(A, A.slice(0, 20)).trimEnd(), 'TRUNCATED', false],
  ['a row with a cell too many', 'csv', 'key,value\na,1\nb,2,3\n', 'BAD_TABLE', false],
  [
    'a command that ends too early',
    'resp',
    command('SET', 'a', '1') + command('SET', 'b', '2').slice(0, -5),
    'TRUNCATED',
    false,
  ],
] as [string, string, string, string, boolean][])('%s (%s)', (_, ending, text, code, whole) => {
  it('is found, and told with its place', async () => {
    const found = await checked(text, ending)
    expect(found.failure).toBeUndefined()
    expect(problemsOf(found)).toEqual([code])
    const {soundness} = found
    expect(soundness!.checksum).toBe(whole ? 'absent' : undefined)
    const [problem] = soundness!.problems
    expect(problem!.offset).toBeLessThanOrEqual(text.length)
    if (!whole) expect(problem!.bytesLost).toBeGreaterThan(0)
    expect(problemsJson('x', soundness, undefined, 10)).toMatchObject({ok: false, format: ending, errors: 1})
  })
})

describe('check', () => {
  it('tells both places of a key', async () => {
    const text = lines(A, A)
    const {soundness} = await checked(text, 'jsonl')
    const [first, second] = [text.indexOf(A), text.lastIndexOf(A)]
    const place = {offset: second, db: 0, key: new Uint8Array(Buffer.from('a')), type: 'string'}
    const says = expect.stringContaining(`at byte ${first} as well`)
    expect(soundness!.problems).toEqual([expect.objectContaining({...place, text: says})])
  })

  it('takes a key in two databases for two', async () => {
    const found = await checked(
      lines(A, JSON.stringify({db: 1, key: 'a', type: 'string', value: 'x'}), key('b', 'set', ['1'])),
      'jsonl',
    )
    expect(problemsOf(found)).toEqual([])
  })

  it('looks for no duplicates where nobody asks', async () => {
    const {soundness} = await checked(lines(A, A), 'jsonl', {duplicates: false})
    expect(soundness).toMatchObject({errors: 0, duplicatesChecked: false})
  })

  it('says the database of a command', async () => {
    const twice = command('SET', 'a', '1') + command('SET', 'b', '1') + command('RPUSH', 'a', '2')
    const {soundness} = await checked(command('SELECT', '3') + twice, 'resp')
    expect(soundness!.problems).toMatchObject([{code: 'DUPLICATE_KEY', db: 3}])
  })

  it('finds a member twice among more than were announced', async () => {
    const members = Array.from({length: 5000}, (_, i) => `member:${i}`)
    const twice = command('SADD', 's', ...members, 'member:17')
    expect(problemsOf(await checked(twice, 'resp'))).toEqual(['DUPLICATE_ELEMENT'])
    expect(problemsOf(await checked(command('SADD', 's', ...members), 'resp'))).toEqual([])
  })

  it('ends with a failure where the input is no source', async () => {
    expect(await checked('{"name": "something"}', 'json')).toMatchObject({
      soundness: undefined,
      failure: {code: 'BAD_JSON'},
    })
  })

  it('says what it cannot follow', async () => {
    const {soundness, failure} = await checked(command('SET', 'a', '1') + command('NOSUCH', 'a'), 'resp')
    expect(soundness!.errors).toBe(1)
    expect(failure).toBeInstanceOf(Error)
  })
})
