/** Strings: the same commands leave the same in our data set and in real servers, errors included. */
import {describe, expect, it} from 'vitest'
import {Dice} from '../jobs/mutants.js'
import {describeEachServer} from '../server/each-server.js'
import {type Argument, askEngine, askServer, contentOf, contentOfLog, replay} from './replaying.js'

const LATER = 4102444800000

/** Commands of every server since 6.2. */
const COMMON = [
  'SET a 1',
  'SET a 2 NX',
  'SET b 2 XX',
  'SET c 3 NX',
  `SET d v PXAT ${LATER}`,
  'SET d w KEEPTTL',
  `SET e v EXAT ${LATER / 1000}`,
  'SET e w',
  `SET f v EXAT ${LATER / 1000} NX GET`,
  `SET f w NX GET`,
  'SET k v NX XX',
  'SET k v EX',
  'SET k v EX 0',
  'SET k v EX x',
  'SET k v PX 9223372036854775807',
  `SET k v EX 9223372036854775`,
  'SET k v KEEPTTL EX 1',
  'SET k v PERSIST',
  'SET k v WHAT',
  'SETNX a 9',
  'SETNX a2 9',
  'SETEX k 0 v',
  'PSETEX k -1 v',
  'MSET m1 1 m2 2 m1 3',
  'MSET m1 1 m2',
  'MSETNX m2 1 m3 1',
  'MSETNX m4 1 m5 1',
  'MSETNX m6 1 m7',
  'APPEND a xyz',
  'APPEND new xyz',
  `SET t v PXAT ${LATER}`,
  'APPEND t w',
  'SETRANGE t 5 xx',
  'SETRANGE r 3 abc',
  'SETRANGE r 0 Q',
  ['SETRANGE', 'r', 9, ''],
  ['SETRANGE', 'none', 9, ''],
  'SETRANGE r -1 a',
  'INCR i',
  'INCRBY i 41',
  'DECR i',
  'DECRBY i 100',
  'INCRBY i 9223372036854775807',
  'INCRBY i 9223372036854775807',
  'INCRBY i -9223372036854775808',
  'DECRBY i -9223372036854775808',
  'DECRBY i 9223372036854775807',
  'DECRBY i 9223372036854775807',
  'SET max 9223372036854775807',
  'INCR max',
  'DECR max',
  'SET min -9223372036854775808',
  'DECR min',
  'INCR min',
  'SET odd 007',
  'INCR odd',
  ['SET', 'spaced', ' 7'],
  'INCR spaced',
  'INCRBY i 1.5',
  'INCRBY i +1',
  'INCRBYFLOAT fl 0.1',
  'INCRBYFLOAT fl 0.2',
  'INCRBYFLOAT fl 1e20',
  'INCRBYFLOAT fl x',
  'INCRBYFLOAT fl inf',
  'INCRBYFLOAT neg -0.0',
  'INCRBYFLOAT i 0x10p-2',
  'INCRBYFLOAT t 1',
  'SADD s x',
  'SET s v GET',
  'INCR s',
  'INCRBYFLOAT s 1',
  'APPEND s v',
  'SETRANGE s 0 v',
  'GETSET s v',
  'GETDEL s',
  'GETEX s',
  'SETNX s 1',
  'SADD s2 x',
  'SET s2 v',
  'SADD s3 x',
  'MSET s3 v',
  'GETSET d new',
  'GETSET fresh new',
  'GETDEL fresh',
  'GETDEL fresh',
  'GETEX a EX 0',
  'GETEX a PERSIST EX 1',
  'GETEX a KEEPTTL',
  'GETEX a NX',
  `GETEX a PXAT ${LATER}`,
  `GETEX e PXAT ${LATER}`,
  'GETEX e PERSIST',
  'SET',
  'SET a',
  'GETDEL a b',
]

const argumentsOf = (all: readonly (string | Argument[])[]): Argument[][] =>
  all.map(one => (typeof one === 'string' ? one.split(' ') : one))

describeEachServer('strings in', name => {
  it.skipIf(name === 'redis-6.0')('are what they are here', async () => {
    const commands = argumentsOf(COMMON)
    const ours = await askEngine(commands)
    expect(ours).toEqual(await askServer(name, commands))
    expect(ours.content).toEqual(await contentOfLog(name, commands))
  })

  it('are incremented alike, however they are spelled', async () => {
    const dice = new Dice(3)
    const commands = Array.from({length: 600}, (_, i) => [
      ['SET', i, spelled(dice)],
      ['INCRBYFLOAT', i, spelled(dice)],
    ]).flat()
    expect(await askEngine(commands)).toEqual(await askServer(name, commands))
  })
})

const SPECIAL = [
  'inf',
  'nan',
  '1e4932',
  '1.1e4932',
  '1e-4950',
  '1e-4960',
  '',
  '+5',
  ' 5',
  '1e',
  '0x',
  '-0',
  '5e-18',
  '15e-18',
]

/** A number, or nearly one. */
function spelled(dice: Dice): string {
  const digits = (most: number): string => Array.from({length: 1 + dice.below(most)}, () => dice.below(10)).join('')
  const sign = dice.pick(['', '-'])
  switch (dice.below(6)) {
    case 0:
      return sign + digits(30)
    case 1:
      return `${sign}${digits(25)}.${digits(30)}`
    case 2:
      return `${sign}.${digits(40)}`
    case 3:
      return `${sign}${digits(20)}e${dice.below(60) - 30}`
    case 4:
      return `${sign}0x${dice.below(2 ** 30).toString(16)}${dice.pick(['', '.8p-3', 'p70'])}`
    default:
      return dice.pick(SPECIAL)
  }
}

describeEachServer('newer commands on strings in', name => {
  it.skipIf(name !== 'valkey-9.1')('are what they are here', async () => {
    const commands = argumentsOf([
      'SET a 1',
      'SET a 2 IFEQ 1',
      'SET a 3 IFEQ 1',
      'SET a 3 IFEQ',
      'SET a 3 IFEQ 1 NX',
      'SET b 3 IFEQ 1',
      'SADD s x',
      'SET s 3 IFEQ 1',
      'DELIFEQ a 1',
      'DELIFEQ s 1',
      'DELIFEQ none 1',
      `MSETEX 2 c 1 d 2 PXAT ${LATER}`,
      'MSETEX 1 c 2 KEEPTTL',
      'MSETEX 2 c 3 e 3 NX',
      'MSETEX 2 c 3 e 3 XX',
      'MSETEX 1 d 3 XX',
      'MSETEX 1 f 3 NX',
      'MSETEX 0 c 1',
      'MSETEX x c 1',
      'MSETEX 2 c 1',
      'MSETEX 1 c 1 EX 0',
      'MSETEX 1 c 1 GET',
      'SET z 1',
      'DELIFEQ z 1',
    ])
    expect(await askEngine(commands)).toEqual(await askServer(name, commands))
  })
})

describe('strings', () => {
  it('are given a relative expiry that counts from the time of the log', async () => {
    const {keyspace} = replay(['SET a v EX 10', 'SETEX b 1 v', 'PSETEX c 1 v', 'GETEX c PX 5'], 1000)
    expect(await contentOf(keyspace)).toEqual({
      '0:a': 'string @11000 v',
      '0:b': 'string @2000 v',
      '0:c': 'string @1005 v',
    })
  })

  it('keep an expiry that is past: servers remove nothing while they load', async () => {
    const {keyspace} = replay(['SET a 1 PXAT 5', 'INCR a', 'GETEX a PXAT 7'], 1000)
    expect(await contentOf(keyspace)).toEqual({'0:a': 'string @7 2'})
  })

  it('may be longer than clients may make them, and not longer than can be kept', () => {
    const {keyspace} = replay(['SETRANGE a 536870912 x', 'DEL a'])
    expect(keyspace.size).toBe(0)
    const place = {db: 0, key: Buffer.from('b')}
    for (const command of ['SETRANGE b 2147483647 x', 'SETBIT b 99999999999 1', 'BITFIELD b SET u8 #9999999999 1']) {
      expect(() => replay(['SET a 1', command])).toThrow(expect.objectContaining({code: 'TOO_LARGE', offset: 1, place}))
    }
  })

  it('are deleted or kept by what they are (redis 8.4)', async () => {
    const {keyspace, refusals} = replay([
      'MSET a 1 b 1 c 1 d 1',
      'DELEX a',
      'DELEX b IFEQ 2',
      'DELEX b IFNE 2',
      'DELEX c IFNE 1',
      'DELEX d IFEQ 1',
      'SET c 2 IFNE 2',
      'SET c 3 IFNE 2',
      'SET n 3 IFNE 2',
      'SADD s x',
      'DELEX s IFEQ x',
      'DELEX s WHAT x',
      'DELEX c IFDEQ 0',
      'INCREX c',
    ])
    expect(await contentOf(keyspace)).toEqual({'0:c': 'string 2', '0:n': 'string 3', '0:s': 'set "x"'})
    expect(refusals.map(({offset, kind}) => `${offset} ${kind}`)).toEqual([
      '10 error',
      '11 error',
      '12 error',
      '13 skipped',
    ])
  })

  it('are compared by their digests (redis 8.4)', async () => {
    const {keyspace, refusals} = replay([
      'MSET a test b test c test d test',
      'SET a 2 IFDEQ 9ec9f7918d7dfc40',
      'SET a 3 IFDEQ 9EC9F7918D7DFC40',
      'SET b 2 IFDNE 9ec9f7918d7dfc40',
      'SET b 3 IFDNE 0000000000000000',
      'DELEX c IFDNE 9ec9f7918d7dfc40',
      'DELEX d IFDEQ 9EC9F7918D7DFC40',
      'SET none 1 IFDEQ 9ec9f7918d7dfc40',
      'SET new 1 IFDNE 9ec9f7918d7dfc40',
    ])
    expect(refusals).toEqual([])
    expect(await contentOf(keyspace)).toEqual({
      '0:a': 'string 2',
      '0:b': 'string 3',
      '0:c': 'string test',
      '0:new': 'string 1',
    })
  })
})
