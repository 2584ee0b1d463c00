/** Anybody may connect to a port: whatever is said there costs little, ends, and leaves everybody else alone. */

import {writeFileSync} from 'node:fs'
import {connect} from 'node:net'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {MasterEvent, MasterMessage} from '../../src/replication/master-events.js'
import {encodeCommand} from '../server/resp.js'
import {attached, folder, GETACK, PAYLOAD, serving, until} from './serving.js'

const MB = 1024 * 1024

describe('what is no command', () => {
  it.each([
    ['a billion arguments', '*1000000000\r\n', 'invalid multibulk length'],
    ['more arguments than anybody has', '*1025\r\n', 'invalid multibulk length'],
    ['a count that is none', '*x\r\n', 'invalid multibulk length'],
    ['an argument of half a gigabyte', '*1\r\n$536870912\r\n', 'invalid bulk length'],
    ['an argument of less than nothing', '*1\r\n$-1\r\n', 'invalid bulk length'],
    ['no argument where one should be', '*1\r\nPING\r\n', "expected '$', got 'P'"],
    ['many small arguments', `*1000\r\n${'$20\r\n01234567890123456789\r\n'.repeat(900)}`, 'too big mbulk count string'],
    ['a line without an end', 'x'.repeat(100_000), 'too big inline request'],
    ['a line that is too long', `${'x'.repeat(20_000)}\r\n`, 'too big inline request'],
    ['a head without an end', `*${'1'.repeat(100_000)}`, 'too big mbulk count string'],
    ['quotes that do not end', 'ECHO "a\r\n', 'unbalanced quotes in request'],
  ])('%s is refused, and the connection closed', async (_, said, why) => {
    const all = await serving()
    const one = await all.replica()
    await one.send(said)
    await one.isClosed()
    expect(one.heard).toBe(`-ERR Protocol error: ${why}\r\n`)
    await until(() => expect(all.events.at(-1)).toMatchObject({kind: 'refused', why: `Protocol error: ${why}`}))
    await attached(all)
  })

  it('without end is told of once between two looks at the clock, with a count', async () => {
    const all = await serving({connectionsMax: 1, tickMs: 300})
    await attached(all)
    const refused = (): MasterEvent[] => all.events.filter(({kind}) => kind === 'refused')
    const knocking = await Promise.all(Array.from({length: 50}, () => all.replica().catch(() => undefined)))
    for (const one of knocking) await one?.isClosed()
    await all.master.close()
    const times = refused().map(event => (event as {times?: number}).times ?? 1)
    expect(times.length).toBeLessThan(25)
    expect(times[0]).toBe(1)
    expect(times.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(times.length)
    expect(all.kinds().at(-1)).toBe('closed')
  })

  it('a page of a browser', async () => {
    const {replica} = await serving()
    const one = await replica()
    await one.send('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nPSYNC ? -1\r\n')
    await one.isClosed()
    expect(one.heard).not.toContain('FULLRESYNC')
  })

  it('from a replica: no word in the middle of the snapshot or the stream, but the end', async () => {
    const all = await serving()
    const one = await attached(all)
    const heard = one.heard
    await one.say('GET', 'a')
    await one.say('PSYNC', '?', -1)
    await one.send('*1000000000\r\n')
    await one.isClosed()
    expect(one.heard).toBe(heard)
    expect(all.events.at(-1)).toMatchObject({kind: 'lost', reason: 'protocol'})
  })

  it('random bytes, and random commands, end nothing but their own connection', async () => {
    const all = await serving()
    const words = [
      'PSYNC',
      '?',
      '-1',
      'REPLCONF',
      'capa',
      'ACK',
      '0',
      'AUTH',
      'HELLO',
      'INFO',
      'SYNC',
      'ROLE',
      '\r\n',
      '*',
      '$',
      '"',
    ]
    const said = fc.oneof(
      fc.uint8Array({maxLength: 300}),
      fc.array(fc.constantFrom(...words), {maxLength: 8}).map(all => Buffer.from(all.join(' '))),
      fc.array(fc.constantFrom(...words), {minLength: 1, maxLength: 5}).map(all => encodeCommand(all)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(said, {maxLength: 5}), async pieces => {
        const one = await all.replica()
        for (const piece of pieces) await one.send(piece)
        await one.send('\r\n')
        one.socket.end()
        await one.isClosed()
      }),
      {numRuns: 100},
    )
    await until(() => expect(all.master.facts().clients).toBe(0))
    expect((await attached(all)).heard).toContain(PAYLOAD)
  })
})

describe('bounds', () => {
  it('of connections: one more is told so, and is let in once there is room', async () => {
    const all = await serving({connectionsMax: 2})
    const [one] = [await all.replica(), await all.replica()]
    const third = await all.replica()
    await third.isClosed()
    expect(third.heard).toBe('-ERR max number of clients reached\r\n')
    one?.socket.destroy()
    await until(() => expect(all.master.facts().clients).toBe(1))
    await attached(all)
  })

  it('of silence: a connection that says nothing, or stops in the middle of a command', async () => {
    const all = await serving({clientTimeoutMs: 50})
    const [silent, half] = [await all.replica(), await all.replica()]
    await half.send('*2\r\n$4\r\nPI')
    await silent.isClosed()
    await half.isClosed()
    expect(silent.heard + half.heard).toBe('')
  })

  it('of silence: a replica that acknowledges nothing', async () => {
    const all = await serving({timeoutMs: 50})
    const one = await attached(all)
    await one.isClosed()
    expect(all.events.at(-1)).toMatchObject({kind: 'lost', reason: 'timeout'})
  })

  it('newlines are a sign of life, while it loads', async () => {
    const all = await serving({timeoutMs: 1000})
    const one = await attached(all)
    for (let i = 0; i < 12; i++) {
      await one.send('\n')
      await sleep(150)
    }
    expect(all.kinds()).not.toContain('lost')
  })

  it('of memory: a replica that takes nothing holds no snapshot, and is dropped', async () => {
    const path = join(folder, 'large.rdb')
    writeFileSync(path, Buffer.alloc(64 * MB, 'x'))
    const all = await serving({
      timeoutMs: 300,
      snapshotFor: async () => ({path, bytes: 64 * MB, family: 'redis', rdbVersion: 9}),
    })
    const one = await all.replica()
    one.socket.pause()
    await one.say('SYNC')
    await until(() => expect(all.master.replicas).toMatchObject([{state: 'sending'}]))
    await sleep(100)
    const [replica] = all.master.replicas
    // What the system's own buffers take is all.
    expect(replica!.sentBytes).toBeLessThan(32 * MB)
    await until(() => expect(all.events.at(-1)).toMatchObject({kind: 'lost', reason: 'timeout'}))
  })

  it('of memory: a replica that takes nothing of the stream is dropped once it is behind the backlog', async () => {
    const all = await serving({backlogBytes: 64 * 1024})
    const one = await attached(all)
    one.socket.pause()
    const command = encodeCommand(['SET', 'k', 'v'.repeat(16 * 1024)])
    for (let fed = 0; fed < 64 * MB && !all.kinds().includes('lost'); fed += command.length) {
      all.master.feed(command)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(all.events.at(-1)).toMatchObject({kind: 'lost', reason: 'too slow'})
    expect(all.master.replicas).toEqual([])
  })

  it('of replies: who reads none is asked for nothing more', async () => {
    const all = await serving()
    const socket = connect(all.master.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    const questions = Buffer.from('INFO\r\n'.repeat(10_000))
    let taken = 0
    for (let i = 0; i < 2000 && taken < 64 * MB && !socket.writableNeedDrain; i++, taken += questions.length) {
      socket.write(questions)
      await new Promise(resolve => setImmediate(resolve))
    }
    await sleep(100)
    expect(socket.writableNeedDrain).toBe(true)
    socket.destroy()
  })
})

describe('a password', () => {
  const guarded = (messages: MasterMessage[] = []) =>
    serving({password: 'hünter2', onMessage: message => messages.push(message)})

  it('is asked for before anything else', async () => {
    const {replica, wishes} = await guarded()
    const one = await replica()
    for (const command of [
      ['PING'],
      ['INFO'],
      ['ROLE'],
      ['REPLCONF', 'capa', 'eof'],
      ['PSYNC', '?', -1],
      ['SYNC'],
      ['GET', 'a'],
    ]) {
      expect(await one.ask(command)).toBe('-NOAUTH Authentication required.\r\n')
    }
    expect(await one.ask(['HELLO', 2])).toBe('-NOAUTH Authentication required.\r\n')
    expect(wishes).toEqual([])
  })

  it.each([
    ['as before 6.0', ['AUTH', 'hünter2']],
    ['with a name', ['AUTH', 'replica-user', 'hünter2']],
    ['with HELLO', ['HELLO', 2, 'AUTH', 'default', 'hünter2']],
  ])('%s, and it is shown nowhere', async (_, command) => {
    const messages: MasterMessage[] = []
    const all = await guarded(messages)
    const one = await all.replica()
    const wrong = command.map(word => (word === 'hünter2' ? 'hünter3' : word))
    expect(await one.ask(wrong)).toMatch(/^-WRONGPASS /)
    expect(await one.ask(command)).toMatch(/^(\+OK|\*\d+)\r\n/)
    one.forget()
    await one.say('PSYNC', '?', -1)
    expect(await one.hears(GETACK)).toContain(PAYLOAD)
    expect(JSON.stringify(messages)).not.toMatch(/nter[23]/)
  })

  it('where none is wanted', async () => {
    const {replica} = await serving()
    expect(await (await replica()).ask(['AUTH', 'x'])).toMatch(/^-ERR AUTH <password> called without any password/)
  })
})
