/** No password is shown, whatever is wrong with what was typed or with the server. */
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {disk, scriptedMaster} from '../replication/scripted-master.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {rdbtool} from '../start/run.js'

const folder = temporaryFolder()
const SECRET = 'hunter2'
let outputs = 0
const output = (): string => join(folder.path, `snap-${++outputs}.rdb`)

describe('a password', () => {
  it.each([
    ['of another scheme', ['sync', `valkey://:${SECRET}@db1:1`], 2, '"valkey://:***@db1:1" is no address'],
    ['without a scheme', ['sync', `:${SECRET}@db1:1`], 2, '":***@db1:1" is no address'],
    ['that is to be given', ['sync', `:${SECRET}@db1:1`], 2, 'redis://[USER[:PASSWORD]@]HOST:PORT, rediss://'],
    ['in capitals', ['sync', `REDIS://:${SECRET}@db1:x`], 2, '"REDIS://:***@db1:x" is no address'],
    ['before a cluster', ['sync', '--cluster', `me:${SECRET}@db1:1`], 2, '"me:***@db1:1" is no address'],
    ['of a file that is none', ['inspect', `valkey://:${SECRET}@db1:1`], 5, 'valkey://:***@db1:1: there is no such'],
    ['of an argument too many', ['check', 'a', `redis://:${SECRET}@db1:1`], 2, 'redis://:***@db1:1'],
  ])('%s', async (_, args, exitCode, said) => {
    const {code, stdout, stderr} = await rdbtool(args[0] === 'sync' ? [...args, '--out', output()] : args)
    expect(stderr).toContain(said)
    expect(stdout + stderr).not.toContain(SECRET)
    expect(code).toBe(exitCode)
  })

  it.each(['me@corp.com', 'dom/me'])('of the user %s stands in no report', async user => {
    // The first is refused: only then a report tells the name that was typed.
    const master = await scriptedMaster({replies: {PSYNC: '-NOPERM no'}}, {payload: disk(fileOf(['a']))})
    const url = `redis://${user}:${SECRET}@${master.address}`
    const synced = await rdbtool(['sync', url, '--out', output(), '--json'])
    expect(JSON.parse(synced.stdout)).toMatchObject({master: `redis://${user}:***@${master.address}`})
    const inspected = await rdbtool(['inspect', url, '--json'])
    expect(JSON.parse(inspected.stdout)).toMatchObject({source: `redis://${user}:***@${master.address}`})
    expect(master.commands.filter(([name]) => name === 'AUTH')).toEqual([
      ['AUTH', user, SECRET],
      ['AUTH', user, SECRET],
    ])
    expect(synced.stdout + synced.stderr + inspected.stdout + inspected.stderr).not.toContain(SECRET)
  })

  it('of a Sentinel goes to that Sentinel, and nowhere else', async () => {
    const master = await scriptedMaster({replies: {ROLE: '*1\r\n$6\r\nmaster', PSYNC: '-NOPERM no'}})
    const SENTINEL = `*2\r\n$9\r\n127.0.0.1\r\n$${String(master.port).length}\r\n${master.port}`
    const sentinel = await scriptedMaster({replies: {SENTINEL}})
    const sentinels = `mm@redis://:${SECRET}@${sentinel.address}`
    const {code, stdout, stderr} = await rdbtool(['sync', '--sentinel', sentinels, '--out', output(), '--json'])
    expect(code).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({master: `mm@${sentinel.address}`})
    expect(sentinel.commands).toEqual([
      ['AUTH', SECRET],
      ['SENTINEL', 'get-master-addr-by-name', 'mm'],
    ])
    expect(stdout + stderr).not.toContain(SECRET)
    expect(JSON.stringify(master.commands)).not.toContain(SECRET)
  })

  it('that the server repeats in part, where AUTH has another name', async () => {
    const long = SECRET.repeat(30)
    const AUTH = `-ERR unknown command \`AUTH\`, with args beginning with: \`${long.slice(0, 128)}\`, `
    const master = await scriptedMaster({replies: {AUTH}})
    const args = ['sync', master.address, '--out', output(), '--trace', '--json']
    const {code, stdout, stderr} = await rdbtool(args, {env: {RDBTOOL_PASSWORD: long}})
    expect(code).toBe(5)
    expect(stderr).toContain('<  -ERR unknown command `AUTH`\n')
    expect(JSON.parse(stdout).error).toMatchObject({code: 'AUTH_FAILED', reply: '-ERR unknown command `AUTH`'})
    expect(stdout + stderr).not.toContain(SECRET)
  })
})

it('--timeout is what a Sentinel is waited for', async () => {
  const sentinel = await scriptedMaster({replies: {SENTINEL: undefined}})
  const args = ['sync', '--sentinel', `mm@${sentinel.address}`, '--out', output(), '--timeout', '0.2']
  const {code, stderr} = await rdbtool(args)
  expect(code).toBe(5)
  expect(stderr).toContain('did not answer SENTINEL within 0.2 s (SILENCE)')
})
