/** Hashes: the same commands leave the same in our data set and in real servers. */
import {describe, expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {type Argument, askEngine, askServer, contentOf, contentOfLog, type Outcome, replay} from './replaying.js'

const LATER = 4102444800000
const LATER_STILL = LATER + 5000

const argumentsOf = (all: readonly string[]): Argument[][] => all.map(one => one.split(' '))

const COMMON = [
  'HSET a f 1 g 2',
  'HSET a f 3',
  'HSET a f',
  'HMSET a h 4 i 5',
  'HMSET a h 4 i',
  'HSETNX a f 9',
  'HSETNX a new 9',
  'HSETNX b new 9',
  'HINCRBY a f 5',
  'HINCRBY a none -5',
  'HINCRBY c none 5',
  'HINCRBY a f x',
  'HINCRBY a f 9223372036854775807',
  'HSET a text abc',
  'HINCRBY a text 1',
  'HINCRBYFLOAT a text 1',
  'HINCRBYFLOAT a f 1.5',
  'HINCRBYFLOAT a fresh 1e3',
  'HINCRBYFLOAT d fresh 0.1',
  'HINCRBYFLOAT d fresh 0.2',
  'HINCRBYFLOAT a f inf',
  'HINCRBYFLOAT a f x',
  'HINCRBYFLOAT e f x',
  'HINCRBY e f x',
  'HDEL a g g none',
  'HDEL b new',
  'HDEL nothing f',
  'SET s 1',
  'HSET s f 1',
  'HSETNX s f 1',
  'HINCRBY s f 1',
  'HINCRBYFLOAT s f 1',
  'HDEL s f',
]

/** Servers word some errors differently: whether there is one is the same. */
const withoutWords = ({content, errors}: Outcome): unknown => ({content, failed: errors.map(error => error !== '')})

describeEachServer('hashes in', name => {
  it('are what they are here', async () => {
    const commands = argumentsOf(COMMON)
    const compared = name === 'redis-6.0' ? withoutWords : (one: Outcome): unknown => one
    const ours = await askEngine(commands)
    expect(compared(ours)).toEqual(compared(await askServer(name, commands)))
    expect(ours.content).toEqual(await contentOfLog(name, commands))
  })

  it('are the same when they are large, and shrink', async () => {
    const commands: Argument[][] = []
    for (let i = 0; i < 700; i++) commands.push(['HSET', 'a', `f${i}`, 'x'.repeat(i % 90)])
    for (let i = 0; i < 700; i += 3) commands.push(['HINCRBY', 'a', `n${i % 50}`, i])
    for (let i = 0; i < 650; i++) commands.push(['HDEL', 'a', `f${i}`])
    const {content} = await askEngine(commands)
    expect(content).toEqual((await askServer(name, commands)).content)
  })
})

const EXPIRING = [
  'HSET a f 1 g 2 h 3 i 4',
  `HPEXPIREAT a ${LATER} FIELDS 2 f none`,
  `HPEXPIREAT a ${LATER_STILL} NX FIELDS 2 f g`,
  `HPEXPIREAT a ${LATER_STILL} GT FIELDS 3 f g h`,
  `HPEXPIREAT a ${LATER} LT FIELDS 2 g h`,
  `HPEXPIREAT a ${LATER_STILL} XX FIELDS 2 h i`,
  `HEXPIREAT a ${LATER / 1000} FIELDS 1 i`,
  'HPERSIST a FIELDS 2 i none',
  'HINCRBY a f 5',
  'HINCRBYFLOAT a f 0.5',
  'HINCRBY a f 0',
  'HSET a g 9',
  'HPEXPIRE a -1 FIELDS 1 f',
  `HPEXPIREAT a ${LATER} FIELDS 2 f`,
  `HPEXPIREAT a ${LATER} FIELDS 0 f`,
  `HPEXPIREAT a ${LATER} WHAT FIELDS 1 f`,
  `HPEXPIREAT none ${LATER} FIELDS 1 f`,
  'HPEXPIREAT a x FIELDS 1 f',
  'SET s 1',
  `HPEXPIREAT s ${LATER} FIELDS 1 f`,
  'HPERSIST s FIELDS 1 f',
  'HPERSIST none FIELDS 1 f',
]

const NEWER = [
  `HSETEX b PXAT ${LATER} FIELDS 2 f 1 g 2`,
  'HSETEX b KEEPTTL FIELDS 2 f 3 new 4',
  'HSETEX b FIELDS 1 g 5',
  `HSETEX b FNX PXAT ${LATER} FIELDS 2 f 9 x 9`,
  `HSETEX b FXX PXAT ${LATER} FIELDS 2 f 9 x 9`,
  `HSETEX b FXX PXAT ${LATER_STILL} FIELDS 2 f 9 g 9`,
  `HSETEX b FNX FIELDS 1 y 9`,
  'HSETEX none FXX FIELDS 1 y 9',
  'HSETEX b FNX FXX FIELDS 1 y 9',
  'HSETEX b EX 1 KEEPTTL FIELDS 1 y 9',
  'HSETEX b EX 1 PX 1 FIELDS 1 y 9',
  'HSETEX b WHAT FIELDS 1 y 9',
  'HSETEX b FIELDS 2 y 9',
  'HSETEX s FIELDS 1 y 9',
  'HSET c f 1 g 2',
  `HGETEX c PXAT ${LATER} FIELDS 2 f none`,
  'HGETEX c PERSIST FIELDS 1 f',
  `HGETEX c EXAT ${LATER / 1000} FIELDS 1 g`,
  'HGETEX c FIELDS 1 g',
  'HGETEX c KEEPTTL FIELDS 1 g',
  'HGETEX none PERSIST FIELDS 1 g',
  'HSET d f 1 g 2',
  'HGETDEL d FIELDS 2 f none',
  'HGETDEL d FIELDS 1 g',
  'HGETDEL d FIELDS 1 g',
  'HGETDEL c FIELDS 2 g',
]

describeEachServer('fields that expire in', name => {
  const knows = name === 'redis-8.0' || name === 'valkey-9.1'
  it.skipIf(!knows)('are what they are here', async () => {
    const commands = argumentsOf([...EXPIRING, ...NEWER])
    const ours = await askEngine(commands)
    expect(withoutWords(ours)).toEqual(withoutWords(await askServer(name, commands)))
    expect(ours.content).toEqual(await contentOfLog(name, commands))
  })
})

describe('hashes', () => {
  it('take options of fields behind them too', async () => {
    const {keyspace, refusals} = replay(['HSET a f 1', `HPEXPIREAT a ${LATER} FIELDS 1 f NX`])
    expect(await contentOf(keyspace)).toEqual({'0:a': `hash ["f","1"] @${LATER}`})
    expect(refusals).toEqual([])
  })

  it('keep expiries of fields to the last bit', async () => {
    const {keyspace} = replay(['HSET a f 1 g 2', 'HPEXPIREAT a 9007199254740993 FIELDS 1 f', 'HINCRBY a f 99'])
    expect(await contentOf(keyspace)).toEqual({'0:a': 'hash ["f","100"] @9007199254740993,["g","2"]'})
  })

  it('keep fields whose expiry is past, as valkey does while it loads', async () => {
    const {keyspace} = replay(
      [
        'HSET a f 1',
        'HPEXPIREAT a 5 FIELDS 1 f',
        'HSETNX a f 2',
        'HINCRBY a f 1',
        'HSETEX a PXAT 6 FIELDS 1 g 1',
        'HSET b f 1',
        'HEXPIRE b 2 FIELDS 1 f',
      ],
      1000,
    )
    expect(await contentOf(keyspace)).toEqual({'0:a': 'hash ["f","2"] @5,["g","1"] @6', '0:b': 'hash ["f","1"] @3000'})
  })
})
