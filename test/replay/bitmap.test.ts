/** Strings as bits, and as integers of any width: as real servers change them. */
import {describe, expect, it} from 'vitest'
import {Dice} from '../jobs/mutants.js'
import {describeEachServer} from '../server/each-server.js'
import {type Argument, askEngine, askServer, contentOf, replay} from './replaying.js'

const argumentsOf = (all: readonly (string | Argument[])[]): Argument[][] =>
  all.map(one => (typeof one === 'string' ? one.split(' ') : one))

const BITS = argumentsOf([
  'SETBIT a 7 1',
  'SETBIT a 100 1',
  'SETBIT a 7 0',
  'SETBIT empty 9 0',
  'SETBIT a -1 1',
  'SETBIT a x 1',
  'SETBIT a 1 2',
  'SETBIT a 1 x',
  'SADD s x',
  'SETBIT s 1 1',
  'SET b 123',
  'SETBIT b 30 1',
  'SET t x',
  'PEXPIREAT t 4102444800000',
  'SETBIT t 1 1',
  ['SET', 'p', Buffer.from([0xf0, 0x0f, 0xaa])],
  ['SET', 'q', Buffer.from([0x3c, 0xff])],
  ['SET', 'r', Buffer.from([0x01, 0x02, 0x03, 0x04])],
  'BITOP AND and p q r none',
  'BITOP AND and2 p q',
  'BITOP OR or p q r',
  'BITOP XOR xor p q r none',
  'BITOP NOT not p',
  'bitop or t p',
  'BITOP OR r p r',
  'BITOP NOT not p q',
  'BITOP WHAT d p',
  'BITOP OR s p',
  'BITOP OR d p none s',
  'SADD s2 x',
  'BITOP OR d p s2',
  'BITOP NOT q none',
  'BITOP OR none none',
])

const FIELDS = argumentsOf([
  'BITFIELD a SET u8 0 255 SET i5 3 -7 SET u63 #2 9223372036854775807',
  'BITFIELD a INCRBY u8 0 10 INCRBY i64 #1 -5 GET u4 0',
  'BITFIELD a OVERFLOW SAT INCRBY u8 0 1000 OVERFLOW FAIL INCRBY u8 0 1000 OVERFLOW WRAP INCRBY u8 0 1000',
  'BITFIELD sat OVERFLOW SAT SET i8 0 -9223372036854775808 SET u8 8 -1 SET i8 16 1000 SET i8 24 -1000',
  'BITFIELD fail OVERFLOW FAIL SET u4 60 16',
  'BITFIELD one SET i1 0 1 INCRBY i1 1 1 INCRBY i1 2 -1 INCRBY i1 3 2',
  'BITFIELD get GET u8 0',
  'BITFIELD b SET u64 0 1',
  'BITFIELD b SET i65 0 1',
  'BITFIELD b SET i0 0 1',
  'BITFIELD b SET u08 0 1',
  'BITFIELD b SET x8 0 1',
  'BITFIELD b SET u8 -1 1',
  'BITFIELD b SET u8 x 1',
  'BITFIELD b SET u8 #x 1',
  'BITFIELD b SET u8 #-1 1',
  'BITFIELD b SET u8 9223372036854775807 1',
  'BITFIELD b SET u8 #9223372036854775807 1',
  'BITFIELD b SET u8 0 x',
  'BITFIELD b SET u8 0',
  'BITFIELD b OVERFLOW',
  'BITFIELD b OVERFLOW x',
  'BITFIELD b WHAT u8 0 1',
  'BITFIELD b',
  'SADD s x',
  'BITFIELD s SET u8 0 1',
  'BITFIELD s GET u8 0',
])

function randomFields(commands: number): Argument[][] {
  const dice = new Dice(7)
  const edges = ['0', '1', '-1', '127', '-128', '255', '4294967296', '9223372036854775807', '-9223372036854775808']
  return Array.from({length: commands}, () => {
    const command: Argument[] = ['BITFIELD', `k${dice.below(3)}`]
    for (let i = 0; i < 3; i++) {
      if (dice.below(2) === 0) command.push('OVERFLOW', dice.pick(['WRAP', 'SAT', 'FAIL']))
      const type = dice.below(2) === 0 ? `i${1 + dice.below(64)}` : `u${1 + dice.below(63)}`
      const offset = dice.below(3) === 0 ? `#${dice.below(4)}` : dice.below(200)
      command.push(dice.below(2) === 0 ? 'SET' : 'INCRBY', type, offset, dice.pick(edges))
    }
    return command
  })
}

describeEachServer('bits in', name => {
  it('are what they are here', async () => {
    for (const commands of [BITS, FIELDS, randomFields(2000)]) {
      expect(await askEngine(commands)).toEqual(await askServer(name, commands))
    }
  })
})

describe('bits', () => {
  it('are combined by the operations of redis 8.2', async () => {
    const bits = (...all: string[]): Buffer => Buffer.from(all.map(one => Number.parseInt(one, 2)))
    const {keyspace, refusals} = replay([
      ['SET', 'x', bits('11110000', '11111111')],
      ['SET', 'y', bits('11001100')],
      ['SET', 'z', bits('10101010', '00000000', '11110000')],
      'BITOP DIFF diff x y z',
      'BITOP DIFF1 diff1 x y z',
      'BITOP ANDOR andor x y z',
      'BITOP ONE one x y z',
      'BITOP DIFF no x',
      'BITOP ANDOR no x',
      'BITOP ONE alone x',
      'DEL x y z',
    ])
    const shown = (...all: string[]): string => `string ${bits(...all).toString('latin1')}`
    expect(await contentOf(keyspace)).toEqual({
      '0:diff': shown('00010000', '11111111', '00000000'),
      '0:diff1': shown('00001110', '00000000', '11110000'),
      '0:andor': shown('11100000', '00000000', '00000000'),
      '0:one': shown('00010110', '11111111', '11110000'),
      '0:alone': shown('11110000', '11111111'),
    })
    expect(refusals.map(({message}) => message)).toEqual([
      'ERR BITOP DIFF must be called with at least two source keys.',
      'ERR BITOP ANDOR must be called with at least two source keys.',
    ])
  })
})
