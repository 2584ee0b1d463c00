/**
 * Which versions of the format each server takes, by a file that holds nothing else (a header, one string, the end) and
 * by RESTORE, whose footer has the version too: 1 to its own, nothing newer; valkey also its own magic and, when
 * `rdb-version-check` is relaxed, what is not its own.
 */

import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {crc64, hex, le, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import {ACCEPTS} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {startServer} from './server.js'

type Magic = 'REDIS' | 'VALKEY'

const VERSIONS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 79, 80, 81, 200]
const STRING = {bytes: str('value'), type: 'string', value: 'value'}

/** Header, one key, end: nothing that a version would not have. */
const fileOf = (magic: Magic, version: number): Buffer => new RdbFile(magic, version).key(0, 'key', STRING).end()

function payloadOf(version: number): Buffer {
  const body = hex(0x00, str('value'), le(2, version))
  return hex(body, le(8, crc64(body)))
}

/** Whether it starts with the file and has the key. */
async function loads(name: string, file: Buffer, config = {}): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'rdbtool-version-'))
  try {
    writeFileSync(join(dir, 'dump.rdb'), file)
    const server = await startServer(name, {dir, config}).catch((error: Error) => {
      if (error.name === 'ServerFailed') return undefined
      throw error
    })
    if (!server) return false
    try {
      return String(await server.client.call('GET', 'key')) === 'value'
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(dir, {recursive: true, force: true})
  }
}

/** Those that it loads, of both magics. */
async function loaded(name: string, config = {}): Promise<string[]> {
  const taken: string[] = []
  for (const magic of ['REDIS', 'VALKEY'] as const) {
    for (const version of VERSIONS) {
      if (await loads(name, fileOf(magic, version), config)) taken.push(`${magic} ${version}`)
    }
  }
  return taken
}

/** Those versions of a payload that RESTORE takes. */
async function restored(name: string, config = {}): Promise<number[]> {
  const server = await startServer(name, {config})
  try {
    const commands = VERSIONS.map(version => ['RESTORE', `key:${version}`, 0, payloadOf(version)])
    const replies = await server.client.pipeline(commands)
    return VERSIONS.filter((_, index) => replies[index] === 'OK')
  } finally {
    await server.stop()
  }
}

describeEachServer('versions in', name => {
  const own = ACCEPTS[name]?.versions ?? []
  const named = (versions: number[], magic: Magic): string[] => versions.map(version => `${magic} ${version}`)
  const redis = own.filter(version => VERSIONS.includes(version) && version < 80)
  const valkey = own.filter(version => version >= 80)

  it('are taken up to its own, with its own magic', async () => {
    // Valkey 8.1 already knows the magic, and under it takes the versions it knows; no server writes such a file.
    const magicOnly = name === 'valkey-8.1' ? redis : []
    expect(await loaded(name)).toEqual([...named(redis, 'REDIS'), ...named([...magicOnly, ...valkey], 'VALKEY')])
  })

  it('are taken the same by RESTORE', async () => {
    // Redis looks only whether it is too new.
    const zero = name === 'valkey-9.1' ? [] : [0]
    expect(await restored(name)).toEqual([...zero, ...redis, ...valkey])
  })

  it.skipIf(name !== 'valkey-9.1')('are all taken when it is relaxed, if their types are known', async () => {
    const relaxed = {'rdb-version-check': 'relaxed'}
    const all = VERSIONS.filter(version => version > 0)
    expect(await loaded(name, relaxed)).toEqual([
      ...named(
        all.filter(version => version < 80),
        'REDIS',
      ),
      ...named(
        all.filter(version => version >= 80),
        'VALKEY',
      ),
    ])
    expect(await restored(name, relaxed)).toEqual(all)
    // 22 is a hash of its own in valkey's file, and foreign in redis's; slot info is passed over.
    const foreign = (version: number, ...record: (number | Buffer)[]): Buffer => {
      const file = new RdbFile(version < 80 ? 'REDIS' : 'VALKEY', version)
      return file
        .op(record[0] as number, ...record.slice(1))
        .key(0, 'key', STRING)
        .end()
    }
    const hash = hex(str('hash'), 1, str('f'), str('v'), le(8, -1))
    expect(await loads(name, foreign(80, 22, hash), relaxed)).toBe(true)
    expect(await loads(name, foreign(12, 22, hash), relaxed)).toBe(false)
    expect(await loads(name, foreign(12, 0xf4, hex(1, 1, 0)), relaxed)).toBe(true)
    expect(await loads(name, foreign(12, 0xf3, hex(0)), relaxed)).toBe(false)
  })
})
