import {describe, expect, it} from 'vitest'
import {producerOf} from '../../src/rdb/producer.js'
import type {RdbHeader} from '../../src/rdb/versions.js'

const redis = (rdbVersion: number): RdbHeader => ({magic: 'REDIS', family: 'redis', rdbVersion})
const valkey: RdbHeader = {magic: 'VALKEY', family: 'valkey', rdbVersion: 80}

describe('producerOf', () => {
  it.each([
    ['redis, by its version', redis(10), {'redis-ver': '7.0.15'}, false, 'redis', '7.0.15'],
    [
      'valkey, by its own version field',
      redis(11),
      {'valkey-ver': '8.1.1', 'redis-ver': '7.2.4'},
      false,
      'valkey',
      '8.1.1',
    ],
    ['valkey, by its magic', valkey, {}, false, 'valkey', undefined],
    ['dragonfly, by an opcode of its own', redis(9), {'redis-ver': '6.2.11'}, true, 'dragonfly', '6.2.11'],
    ['keydb, by the stamp of its keys', redis(9), {'redis-ver': '6.3.4', 'mvcc-tstamp': '1'}, false, 'keydb', '6.3.4'],
    ['keydb, by the expiry of a member', redis(9), {'keydb-subexpire-key': 'x'}, false, 'keydb', undefined],
    ['redis, where only redis wrote such a version', redis(6), {}, false, 'redis', undefined],
    ['unknown, where the version does not say', redis(7), {}, false, 'unknown', undefined],
  ] as const)('%s', (_, header, aux, dragonfly, product, serverVersion) => {
    expect(producerOf(header, new Map(Object.entries(aux)), dragonfly)).toEqual({product, serverVersion})
  })
})
