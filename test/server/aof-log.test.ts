/** A log that is followed while a server writes it and rewrites it: nothing is missed, and nothing is shown twice but where that is said. */
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {start} from '../start/run.js'
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
