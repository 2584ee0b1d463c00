/** A log that is followed while a server writes it and rewrites it: nothing is missed, and nothing is shown twice but where that is said. */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {rdbtool, start} from '../start/run.js'
import {findServer} from './catalog.js'
import {describeEachServer} from './each-server.js'
import {type Server, startServer} from './server.js'

/** How many commands there are between two looks. */
const COMMANDS = 200

interface Line {
  file: string
  time: string | null
  db: number
  command: string
  args: string[]
  inTransaction: boolean
  snapshot?: {keys: number}
}

async function rewrite({client}: Server): Promise<void> {
  await client.call('BGREWRITEAOF')
  for (;;) {
    const info = String(await client.call('INFO', 'persistence'))
    if (/aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info)) break
    await sleep(20)
  }
}

describeEachServer('aof-log --follow beside', name => {
  const single = name === 'redis-6.0'

  it('shows what is written before, during and after rewrites', async () => {
    const config = {appendonly: 'yes', ...(single ? {} : {'aof-timestamp-enabled': 'yes'})}
    const server = await startServer(name, {config})
    let next = 0
    const write = async (): Promise<void> => {
      const commands = Array.from({length: COMMANDS}, () => ['SET', `key:${next}`, String(next++)])
      await server.client.pipeline(commands)
    }
    let stdout = ''
    try {
      await write()
      const path = join(server.dir, single ? 'appendonly.aof' : 'appendonlydir')
      const {child, finished} = start(['aof-log', path, '--follow', '--json'])
      child.stdout!.on('data', piece => (stdout += piece))
      const shown = async (): Promise<void> => {
        while (!stdout.includes(`"key:${next - 1}"`)) await sleep(20)
      }
      await shown()
      for (let round = 0; round < 3; round++) {
        const rewritten = rewrite(server)
        await write()
        await rewritten
        await write()
        await shown()
      }
      await server.client.pipeline([['MULTI'], ['SELECT', '5'], ['SET', 'last', '1'], ['INCR', 'n'], ['EXEC']])
      next++
      while (!stdout.includes('"EXEC"')) await sleep(20)
      child.kill('SIGINT')
      const {code, stderr, stdout: all} = await finished
      expect(code).toBe(130)
      expect(stderr.match(/^warning: /gm) ?? []).toHaveLength(single ? 3 : 0)
      expect(all.endsWith('}\n')).toBe(true)
      const lines: Line[] = all
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
      const keys = lines.filter(({command}) => command === 'SET').map(({args}) => args[0]!)
      // A new single file begins with what was logged while it was written.
      const once = single ? [...new Set(keys)] : keys
      expect(once).toEqual([...Array.from({length: next - 1}, (_, i) => `key:${i}`), 'last'])
      expect(lines.filter(line => line.snapshot !== undefined)).toHaveLength(single ? 3 : 1)
      const inside = lines.filter(({inTransaction}) => inTransaction).map(({db, command}) => `${db} ${command}`)
      expect(inside.slice(-3)).toEqual(['5 SET', '5 INCR', '5 EXEC'])
      if (!single) expect(lines.at(-1)!.time).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    } finally {
      await server.stop()
    }
  }, 60_000)
})

const folder = temporaryFolder()
const found = findServer('redis-7.0')
const cli = typeof found === 'string' ? undefined : found.tool('cli')

describe.skipIf(cli === undefined)('what aof-log --full shows', () => {
  it('is read back by redis-cli to the same bytes', async () => {
    const awkward = [
      '',
      ' ',
      '"',
      "'",
      `"'`,
      '\\',
      '\\x41',
      '{"a":"b c"}',
      '{"a":"it\'s \\n"}',
      'a\nb\0',
      'é',
      '日本',
      '\u202e',
      '…',
      '#',
      '*',
    ]
    const values = [...awkward.map(one => Buffer.from(one)), Buffer.from([0xff, 0xfe, 0x22, 0x27, 0x5c, 0x80])]
    for (let byte = 0; byte < 256; byte++) values.push(Buffer.from([0x61, byte, 0x62]))
    const log = values.map((value, i) =>
      Buffer.concat([
        Buffer.from(`*3\r\n$3\r\nSET\r\n$${String(i).length}\r\n${i}\r\n$${value.length}\r\n`),
        value,
        Buffer.from('\r\n'),
      ]),
    )
    const path = folder.write('awkward.aof', Buffer.concat(log))
    const {stdout} = await rdbtool(['aof-log', path, '--full'])
    const commands = stdout.replace(/^ *\d+ {2}- {3}0 {2}/gm, '')
    const server = await startServer('redis-7.0')
    try {
      const {command, args} = cli!
      const child = spawn(command, [...args, '-p', String(server.port)], {stdio: ['pipe', 'ignore', 'inherit']})
      child.stdin.end(commands)
      await once(child, 'close')
      const payloads = await server.client.pipeline(values.map((_, i) => ['GET', String(i)]))
      expect(payloads.map(one => Buffer.from(one))).toEqual(values)
    } finally {
      await server.stop()
    }
  })
})
