/** Every command on data that a real server has is in the table, with the server's own arity, or named here. */
import {expect, it} from 'vitest'
import {lookupCommand, type NamedCommand} from '../../src/replay/table.js'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'

function known(name: string): NamedCommand | undefined {
  const bytes = Buffer.from(name)
  return lookupCommand(bytes, 0, bytes.length)
}

/** Known by their module alone: see the engine. */
const OF_MODULES = /^V(ADD|REM|SETATTR|CARD|DIM|EMB|GETATTR|INFO|ISMEMBER|LINKS|RANDMEMBER|SIM)$/
/** What answers to HTTP that was sent by mistake. */
const TRAPS = ['HOST:', 'POST']
/** Commands of servers before 7.2 that take other numbers of arguments by now. */
const CHANGED = [
  'EXPIRE',
  'EXPIREAT',
  'PEXPIRE',
  'PEXPIREAT',
  'LPOP',
  'RPOP',
  'XSETID',
  'XTRIM',
  'PFDEBUG',
  'ZRANK',
  'ZREVRANK',
]

describeEachServer('the commands of', (name, version) => {
  it('that read or write are known, with the arguments that they take', async () => {
    const server = await startServer(name)
    try {
      const infos: [string, number, string[]][] = await server.client.call('COMMAND')
      const found = infos.flatMap(([one, arity, flags]) => {
        const commandName = String(one).toUpperCase()
        const data = flags.map(String).some(flag => flag === 'write' || flag === 'readonly')
        return data && !TRAPS.includes(commandName) && !OF_MODULES.test(commandName) ? [{name: commandName, arity}] : []
      })
      expect(found.length).toBeGreaterThan(150)
      const wrong = found.flatMap(one => {
        const spec = known(one.name)
        if (spec === undefined) return [`${one.name} is not known`]
        const older = Number.parseFloat(version) < 7.2 && CHANGED.includes(one.name)
        return spec.arity === one.arity || older ? [] : [`${one.name} has arity ${one.arity}, here ${spec.arity}`]
      })
      expect(wrong).toEqual([])
    } finally {
      await server.stop()
    }
  })
})
