/** Every fixture written again, copied and stored anew: it holds the same, and the deep check finds nothing new. */
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {readable} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning, rebuild} from '../reading/rebuild.js'

/** What servers do not load either cannot be written anew. */
const REFUSED_ANEW: Readonly<Record<string, RegExp>> = {
  'rdb-built/zset-ascii-nan-v6.rdb': /a score that is no number/,
  'rdb-built/keydb-cron-v9.rdb': /CRON/,
}

describe.each(readable.map(one => [one.name, one] as const))('%s', (name, {bytes}) => {
  it.each([false, true])('is written with the same contents, stored anew: %s', async reencode => {
    const refused = reencode ? REFUSED_ANEW[name] : undefined
    if (refused !== undefined) {
      await expect(rebuild(bytes, {reencode})).rejects.toThrow(refused)
      return
    }
    const written = await rebuild(bytes, {reencode})
    const {golden: before} = await readGolden(new MemorySource(bytes), 'elements')
    const {golden: after, checksum, problems} = await readGolden(new MemorySource(written), 'elements')
    expect(checksum).toBe(before.meta.rdbVersion < 5 ? 'absent' : 'ok')
    expect(problems.filter(code => code !== 'CHECKSUM_ABSENT')).toEqual([])
    expect(byMeaning(after.entries)).toEqual(byMeaning(before.entries))
    expect(after.functions).toEqual(before.functions)
    expect(after.meta.rdbVersion).toBe(before.meta.rdbVersion)
  })
})
