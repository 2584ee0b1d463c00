/** Libraries of functions that are salvaged are loaded by the servers that wrote them. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {startServer} from './server.js'

const folder = temporaryFolder()
const LIBRARIES = ['first', 'second']

const ANSWER = 'some text, and more of it'

describeEachServer('functions salvaged for', name => {
  it.skipIf(name === 'redis-6.0')(
    'are all there where every key is lost',
    async () => {
      const server = await startServer(name, {})
      let bytes: Buffer
      try {
        for (const library of LIBRARIES) {
          const code = `redis.register_function('f_${library}', function() return '${ANSWER}' end)\n`
          await server.client.call('FUNCTION', 'LOAD', `#!lua name=${library}\n${code}`)
        }
        for (let i = 0; i < 30; i++) await server.client.call('SET', `user:${1000 + i}`, `value of ${i}`)
        await server.client.call('SAVE')
        bytes = readFileSync(join(server.dir, 'dump.rdb'))
      } finally {
        await server.stop()
      }
      // Behind the database and its sizes nothing is left.
      bytes.fill(0, bytes.indexOf(Buffer.from([0xfe, 0x00, 0xfb])) + 5)
      const out = join(folder.path, `${name}.rdb`)
      const {salvagedSnapshot} = await checkAndSalvage(folder.write(`${name}-damaged.rdb`, bytes), {out})
      expect(salvagedSnapshot).toMatchObject({keys: 0, functions: 2, functionLosses: 0, check: {errors: 0}})
      const again = await startServer(name, {rdb: out})
      try {
        for (const library of LIBRARIES)
          expect(String(await again.client.call('FCALL', `f_${library}`, 0))).toBe(ANSWER)
      } finally {
        await again.stop()
      }
    },
    120_000,
  )
})
