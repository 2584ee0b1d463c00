/** What the master says to who is no replica. */
import {expect, it} from 'vitest'
import {attached, serving} from './serving.js'

it.each([
  [['ping'], '+PONG\r\n'],
  [['PING', 'hello'], '$5\r\nhello\r\n'],
  [['ECHO', 'a b'], '$3\r\na b\r\n'],
  [['ECHO'], "-ERR wrong number of arguments for 'echo' command\r\n"],
  [['SELECT', 3], '+OK\r\n'],
  [['SELECT', 'x'], '-ERR value is not an integer or out of range\r\n'],
  [['CLIENT', 'SETINFO', 'LIB-NAME', 'x'], '+OK\r\n'],
  [['COMMAND', 'DOCS'], '*0\r\n'],
  [['REPLCONF', 'capa'], '-ERR syntax error\r\n'],
  [['REPLCONF', 'rdb-channel', 1], '-ERR Unrecognized REPLCONF option: rdb-channel\r\n'],
  [['REPLCONF', 'listening-port', 70_000], '-ERR value is not an integer or out of range\r\n'],
  [['REPLCONF', 'rdb-filter-only', 'keys'], '-ERR Unsupported rdb-filter-only option\r\n'],
  [['PSYNC', '?'], "-ERR wrong number of arguments for 'psync' command\r\n"],
  [['PSYNC', '?', 'x'], '-ERR value is not an integer or out of range\r\n'],
  [['PSYNC', '?', -1, 'FAILOVER'], '-ERR PSYNC FAILOVER is for servers: this is none\r\n'],
  [['HELLO', 3], '-NOPROTO unsupported protocol version\r\n'],
])('%j', async (command, reply) => {
  const {replica} = await serving()
  expect(await (await replica()).ask(command)).toBe(reply)
})

it('QUIT', async () => {
  const {replica} = await serving()
  const one = await replica()
  expect(await one.ask(['QUIT'])).toBe('+OK\r\n')
  await one.isClosed()
})

it('commands on keys are told what listens here; no name makes another line', async () => {
  const {replica} = await serving()
  const one = await replica()
  expect(await one.ask(['GET', 'a'])).toMatch(
    /^-ERR unknown command 'GET': rdbtool serve hands a snapshot to replicas .*\r\n$/,
  )
  expect(await one.ask(['GET\r\n+OK', 'a'])).toMatch(/^-ERR unknown command 'GET\.\.\+OK': .*\r\n$/)
  expect(await one.ask(['REPLCONF', '\r\n+OK', 'a'])).toBe('-ERR Unrecognized REPLCONF option: ..+ok\r\n')
})

it('INFO and ROLE know the replicas', async () => {
  const all = await serving()
  const {replicationId} = all.master
  const one = await attached(all)
  const other = await all.replica()
  const info = await other.ask(['INFO', 'replication'], 'repl_backlog_histlen:37\r\n\r\n')
  expect(info.replace(/^\$\d+\r\n/, '').split('\r\n')).toEqual([
    '# Replication',
    'role:master',
    'connected_slaves:1',
    'slave0:ip=127.0.0.1,port=7777,state=online,offset=0,lag=0',
    'master_failover_state:no-failover',
    `master_replid:${replicationId}`,
    `master_replid2:${'0'.repeat(40)}`,
    'master_repl_offset:37',
    'second_repl_offset:-1',
    'repl_backlog_active:1',
    'repl_backlog_size:1048576',
    'repl_backlog_first_byte_offset:1',
    'repl_backlog_histlen:37',
    '',
    '',
  ])
  await one.say('REPLCONF', 'ACK', 37)
  const role = ['*3', '$6', 'master', ':37', '*1', '*3', '$9', '127.0.0.1', '$4', '7777', '$2', '37', ''].join('\r\n')
  expect(await other.ask(['ROLE'], '37\r\n')).toBe(role)
  expect(await other.ask(['INFO'], '\r\n\r\n')).toMatch(
    /# Server\r\n.*# Clients\r\nconnected_clients:2\r\n.*# Replication\r\n/s,
  )
})
