/** HyperLogLogs: byte for byte what real servers keep. */
import {expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {type Argument, askEngine, askServer} from './replaying.js'

/** Elements of every length that hashing tells apart, as they grow from sparse to dense. */
function growing(key: string, elements: number): Argument[][] {
  return Array.from({length: elements}, (_, i) => ['PFADD', key, `${i}`.padEnd(i % 19, 'x'), `second ${i % 500}`])
}

const ERRORS: Argument[][] = [
  ['PFADD', 'none'],
  ['PFADD', 'none'],
  ['SET', 'text', 'abc'],
  ['PFADD', 'text', 'x'],
  ['PFCOUNT', 'text'],
  ['PFMERGE', 'none', 'text'],
  ['SADD', 'set', 'x'],
  ['PFADD', 'set', 'x'],
  ['PFCOUNT', 'set'],
  ['PFMERGE', 'set', 'none'],
  ['PFMERGE', 'none', 'set'],
  ['PFDEBUG', 'TODENSE', 'missing'],
  ['PFDEBUG', 'TODENSE', 'text'],
  ['SET', 'short', Buffer.from('HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f', 'latin1')],
  ['PFADD', 'short', 'x'],
  ['PFCOUNT', 'short'],
  ['PFMERGE', 'into', 'short'],
  ['SET', 'densely', Buffer.from('HYLL\0\0\0\0\0\0\0\0\0\0\0\0\x7f', 'latin1')],
  ['PFADD', 'densely', 'x'],
]

describeEachServer('HyperLogLogs in', name => {
  it('are the same while they grow, and when they are dense', async () => {
    for (const elements of [1, 10, 200, 900, 3000, 20_000]) {
      const commands = growing('a', elements)
      expect(await askEngine(commands), `${elements} elements`).toEqual(await askServer(name, commands))
    }
  })

  it('are counted, merged and unpacked alike', async () => {
    const commands: Argument[][] = [
      ...growing('few', 40),
      ...growing('some', 700),
      ...growing('many', 5000).map(([command, , ...elements]) => [command!, 'many', ...elements.map(one => `m${one}`)]),
      ['PFCOUNT', 'few'],
      ['PFCOUNT', 'some'],
      ['PFCOUNT', 'many'],
      ['PFCOUNT', 'few', 'some'],
      ['PFCOUNT', 'missing'],
      ['PFMERGE', 'both', 'few', 'some'],
      ['PFMERGE', 'all', 'few', 'missing', 'many'],
      ['PFMERGE', 'few', 'some'],
      ['PFMERGE', 'alone', 'few'],
      ['PFMERGE', 'empty'],
      ['PFCOUNT', 'all'],
      ['PFCOUNT', 'empty'],
      ['PFADD', 'all', 'one more', 'and another'],
      ['COPY', 'both', 'unpacked'],
      ['PFDEBUG', 'TODENSE', 'unpacked'],
      ['PFDEBUG', 'TODENSE', 'unpacked'],
      ['PFADD', 'unpacked', 'a', 'b'],
      ['PFDEBUG', 'GETREG', 'alone'],
      ['PFCOUNT', 'unpacked'],
      ['EXPIREAT', 'few', 4102444800],
      ['PFADD', 'few', 'fresh'],
    ]
    // Redis 6.0 has no COPY.
    const known = name === 'redis-6.0' ? commands.filter(args => !args.includes('unpacked')) : commands
    expect(await askEngine(known)).toEqual(await askServer(name, known))
  })

  it('are refused where they are none', async () => {
    expect(await askEngine(ERRORS)).toEqual(await askServer(name, ERRORS))
  })
})
