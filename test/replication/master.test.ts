/** The master against replicas that do as they are told: what it says to what, and what becomes of those that leave. */
import {describe, expect, it} from 'vitest'
import {UnsupportedError} from '../../src/errors.js'
import type {ServedSnapshot} from '../../src/replication/master-events.js'
import {encodeCommand} from '../server/resp.js'
import {attached, bytesOf, GETACK, HANDSHAKE, OKS, PAYLOAD, PING, type Serving, serving, until} from './serving.js'

describe('the handshake', () => {
  it.each([1, 2, 3, 7, 4096])('in pieces of %i bytes, and the snapshot behind it', async pieceBytes => {
    const {master, replica, kinds} = await serving()
    const one = await replica()
    await one.send(bytesOf([...HANDSHAKE, ['PSYNC', '?', -1]]), pieceBytes)
    const expected = `${OKS}+FULLRESYNC ${master.replicationId} 0\r\n${PAYLOAD}${GETACK}`
    expect(await one.hears(GETACK)).toBe(expected)
    await one.say('REPLCONF', 'ACK', 0)
    await until(() => expect(kinds()).toContain('in-sync'))
    expect(master.replicas).toMatchObject([
      {ip: '127.0.0.1', port: 7777, state: 'online', acknowledged: 0, inSync: true},
    ])
    expect(kinds()).toEqual([
      ...['listening', 'asks', 'full-resync', 'sending', 'sent', 'online', 'acknowledged', 'in-sync'],
    ])
  })

  it('in lines, as the oldest replicas say it, with bare newlines between', async () => {
    const {master, replica, wishes} = await serving()
    const one = await replica()
    await one.send('PING\r\n\n\r\nREPLCONF listening-port 6380\r\n', 5)
    expect(await one.hears('+OK\r\n')).toBe('+PONG\r\n+OK\r\n')
    one.forget()
    await one.send('PSYNC ? -1\r\n')
    expect(await one.hears(GETACK)).toBe(`+FULLRESYNC ${master.replicationId} 0\r\n${PAYLOAD}${GETACK}`)
    expect(wishes).toEqual([{readable: {family: 'redis', rdbVersion: 6, rdbVersionMax: 7}, part: 'all'}])
  })

  it('SYNC: the snapshot at once; nothing need be acknowledged', async () => {
    const {master, replica} = await serving({timeoutMs: 50})
    const one = await replica()
    await one.send('SYNC\r\n')
    expect(await one.hears(GETACK)).toBe(`${PAYLOAD}${GETACK}`)
    await new Promise(resolve => setTimeout(resolve, 150))
    expect(one.closed).toBe(false)
    expect(master.replicas).toMatchObject([{state: 'loading'}])
  })

  it('newlines, and nothing else, while the snapshot is made; then an error in its place where it cannot be', async () => {
    let settle: (failure: Error) => void = () => {}
    const waiting = new Promise<ServedSnapshot>((_, reject) => {
      settle = reject
    })
    const {master, replica, kinds} = await serving({snapshotFor: () => waiting})
    const one = await replica()
    await one.say('PSYNC', '?', -1)
    const head = `+FULLRESYNC ${master.replicationId} 0\r\n`
    await one.hears('\n\n\n')
    settle(new UnsupportedError('NOT_IN_TARGET', 'redis-7.2 cannot hold\r\n+OK this', 0))
    await one.isClosed()
    expect(one.heard.trimStart()).toBe(`${head}-ERR rdbtool serve: redis-7.2 cannot hold..+OK this\r\n`)
    expect(kinds().slice(-2)).toEqual(['no-snapshot', 'lost'])
  })

  it.each([
    ['nothing', [], {family: 'redis', rdbVersion: 6, rdbVersionMax: 7}],
    ['eof', [['capa', 'eof']], {family: 'redis', rdbVersion: 6, rdbVersionMax: 7}],
    ['psync2', [['capa', 'eof', 'capa', 'psync2']], {family: 'redis', rdbVersion: 8, rdbVersionMax: 9}],
    [
      'two connections',
      [['capa', 'psync2', 'capa', 'rdb-channel-repl']],
      {family: 'redis', rdbVersion: 12, rdbVersionMax: Number.POSITIVE_INFINITY},
    ],
    [
      'version 8.1.3',
      [
        ['capa', 'psync2'],
        ['version', '8.1.3'],
      ],
      {family: 'redis', rdbVersion: 11, rdbVersionMax: 11},
    ],
    [
      'version 9.0.0',
      [
        ['capa', 'psync2'],
        ['version', '9.0.0'],
      ],
      {family: 'valkey', rdbVersion: 80, rdbVersionMax: 80},
    ],
    ['version 10.2.0', [['version', '10.2.0']], {family: 'valkey', rdbVersion: 80, rdbVersionMax: 80}],
  ] as const)('what is read by who announces %s', async (_, options, readable) => {
    const {replica, wishes} = await serving()
    const one = await replica()
    expect(await one.ask(['REPLCONF', 'listening-port', 7777])).toBe('+OK\r\n')
    // One after another, as replicas before redis 6.2 do.
    for (const option of options) expect(await one.ask(['REPLCONF', ...option])).toBe('+OK\r\n')
    await one.say('PSYNC', '?', -1)
    await one.hears(GETACK)
    expect(wishes).toEqual([{readable, part: 'all'}])
  })

  it('who says more before it was answered is of redis 6.2 or later', async () => {
    const {replica, wishes} = await serving()
    const one = await replica()
    await one.send(bytesOf([...HANDSHAKE, ['PSYNC', '?', -1]]))
    await one.hears(GETACK)
    expect(wishes).toEqual([
      {readable: {family: 'redis', rdbVersion: 9, rdbVersionMax: Number.POSITIVE_INFINITY}, part: 'all'},
    ])
  })

  it('even where its words arrive one by one, and late: where it listens is not answered at once', async () => {
    const {replica, wishes} = await serving()
    const one = await replica()
    await one.ask(['PING'])
    one.forget()
    await one.say('REPLCONF', 'listening-port', 7777)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(one.heard).toBe('')
    await one.say('REPLCONF', 'capa', 'psync2')
    expect(await one.hears('+OK\r\n+OK\r\n')).toBe('+OK\r\n+OK\r\n')
    await one.say('PSYNC', '?', -1)
    await one.hears(GETACK)
    expect(wishes).toEqual([
      {readable: {family: 'redis', rdbVersion: 9, rdbVersionMax: Number.POSITIVE_INFINITY}, part: 'all'},
    ])
  })

  it('rdb-only: the connection ends behind the snapshot, of which a part may be wanted', async () => {
    const {replica, wishes, events} = await serving()
    const one = await replica()
    await one.ask(['REPLCONF', 'rdb-only', 1])
    expect(await one.ask(['REPLCONF', 'rdb-filter-only', 'functions'])).toBe('+OK\r\n')
    one.forget()
    await one.say('SYNC')
    await one.isClosed()
    expect(one.heard).toBe(PAYLOAD)
    expect(wishes).toEqual([{readable: undefined, part: 'functions'}])
    expect(events.at(-1)).toMatchObject({kind: 'lost', reason: 'snapshot only'})
  })
})

describe('the stream', () => {
  it('counts every byte, and goes to all', async () => {
    const all = await serving()
    const [one, other] = [await attached(all), await attached(all)]
    // The second was attached at an offset that counts what the first was asked.
    expect(other.heard).toContain(` ${GETACK.length}\r\n`)
    for (const replica of [one, other]) replica.forget()
    const command = encodeCommand(['SET', 'k', 'v'])
    all.master.feed(command)
    for (const replica of [one, other])
      expect((await replica.hears(command.toString())).length % GETACK.length).toBe(command.length)
    expect(all.master.offset).toBe(2 * GETACK.length + command.length)
  })

  it('says PING as long as somebody is there', async () => {
    const all = await serving({pingIntervalMs: 20})
    await new Promise(resolve => setTimeout(resolve, 60))
    expect(all.master.offset).toBe(0)
    const one = await all.replica()
    await one.say('PSYNC', '?', -1)
    await until(() => expect(one.heard).toContain(PING + PING))
  })

  it('goes on where it was: the bytes that were missed, and no snapshot', async () => {
    const all = await serving()
    const {master, replica} = all
    const first = await attached(all)
    first.socket.destroy()
    await until(() => expect(all.kinds()).toContain('lost'))
    const missed = encodeCommand(['SET', 'k', 'v']).toString()
    master.feed(Buffer.from(missed))
    const again = await replica()
    await again.ask(['REPLCONF', 'capa', 'psync2'])
    // Ids are compared in whatever case, as servers do.
    const reply = `+CONTINUE ${master.replicationId}\r\n`
    again.forget()
    await again.say('PSYNC', master.replicationId.toUpperCase(), GETACK.length + 1)
    expect(await again.hears(GETACK)).toBe(`${reply}${missed}${GETACK}`)
    await again.say('REPLCONF', 'ACK', GETACK.length + missed.length)
    await until(() => expect(all.kinds().slice(-3)).toEqual(['partial', 'acknowledged', 'in-sync']))
  })

  it.each([
    ['another id', (_: string) => 'f'.repeat(40), 1],
    ['an offset that has not been', (id: string) => id, 1000],
    ['an offset that is not kept any more', (id: string) => id, 5],
    ['offset 0', (id: string) => id, 0],
  ])('begins anew for %s', async (_, id, offset) => {
    const all = await serving({backlogBytes: 64})
    const {master, replica} = all
    for (let i = 0; i < 4; i++) master.feed(encodeCommand(['SET', 'k', 'v']))
    const one = await replica()
    await one.say('PSYNC', id(master.replicationId), offset)
    expect(await one.hears(GETACK)).toContain(
      `+FULLRESYNC ${master.replicationId} ${master.offset - GETACK.length}\r\n$`,
    )
    expect(all.kinds()).toContain('partial-refused')
  })

  it('+CONTINUE without an id for who does not know psync2', async () => {
    const {master, replica} = await serving()
    const one = await replica()
    await one.say('PSYNC', master.replicationId, 1)
    expect(await one.hears(GETACK)).toBe(`+CONTINUE\r\n${GETACK}`)
  })

  it('acknowledgements of what was never sent count for nothing', async () => {
    const all = await serving()
    const one = await attached(all)
    for (const offset of [1e9, -1, 'x', '']) await one.say('REPLCONF', 'ACK', offset)
    await one.say('REPLCONF', 'ACK')
    await one.say('REPLCONF', 'ACK', GETACK.length, 'FACK', 0)
    await until(() => expect(all.master.replicas).toMatchObject([{acknowledged: GETACK.length, inSync: true}]))
    const told = all.events.flatMap(event => (event.kind === 'acknowledged' ? [event.offset] : []))
    expect(told).toEqual([GETACK.length])
    // No word of it was answered.
    expect(one.heard.endsWith(GETACK)).toBe(true)
  })
})

describe('who drops the link before the snapshot is loaded', () => {
  const attachAndLeave = async (all: Serving): Promise<void> => {
    const before = all.kinds().filter(kind => kind === 'lost').length
    const one = await attached(all)
    one.socket.destroy()
    await until(() => expect(all.kinds().filter(kind => kind === 'lost').length).toBe(before + 1))
  }

  it('twice is named', async () => {
    const all = await serving()
    await attachAndLeave(all)
    expect(all.kinds()).not.toContain('unreadable')
    await attachAndLeave(all)
    expect(all.events.at(-1)).toMatchObject({
      kind: 'unreadable',
      times: 2,
      replica: {port: 7777},
      snapshot: {rdbVersion: 9},
    })
  })

  it('once, and loads it then, is not', async () => {
    const all = await serving()
    await attachAndLeave(all)
    const one = await attached(all)
    await one.say('REPLCONF', 'ACK', GETACK.length)
    await until(() => expect(all.kinds()).toContain('online'))
    one.socket.destroy()
    await until(() => expect(all.kinds().at(-1)).toBe('lost'))
    await attachAndLeave(all)
    expect(all.kinds()).not.toContain('unreadable')
  })
})
