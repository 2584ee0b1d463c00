/** Databases that servers do not have by default: what is built of them says so. */
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {build} from '../../src/jobs/build.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SET = command('SET', 'a', '1')

describe.each([false, true])('a build, sorted: %s', sort => {
  it('of a log that selects one from 16 on says what a server needs', async () => {
    const log = folder.write('high.aof', command('SELECT', '3') + SET + command('SELECT', '99') + SET)
    const {warnings} = await build([log], {out: join(folder.path, 'high.rdb'), force: true, sort})
    expect(warnings).toMatchObject([{code: 'DATABASE_NUMBER', source: log}])
    expect(warnings[0]!.text).toContain('"databases 100" or more')
  })

  it('says nothing where nothing is in it', async () => {
    const log = folder.write('low.aof', command('SELECT', '99') + command('SELECT', '15') + SET)
    const {warnings} = await build([log], {out: join(folder.path, 'low.rdb'), force: true, sort})
    expect(warnings).toEqual([])
  })
})
