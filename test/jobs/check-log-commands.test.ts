/** Commands of a log that servers read over, or end at, and what a check says of them. */
import {describe, expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SET = command('SET', 'a', '1')
const LOG = command('SELECT', '0') + SET.repeat(4)

describe('a log', () => {
  it('that selects what servers do not have is told of, once each', async () => {
    const log = LOG + command('SELECT', '16') + SET + command('select', '16') + command('SELECT', '15')
    const {soundness} = await check(folder.write('databases.aof', log))
    expect(soundness!.problems).toMatchObject([{code: 'DATABASE_NUMBER', severity: 'warning', offset: LOG.length}])
    expect(soundness!.problems[0]!.text).toContain('needs "databases 17"')
  })

  it('has names that are no text: they are shown as bytes', async () => {
    const log = `${LOG}*1\r\n$3\r\nS\xc5T\r\n`
    const {soundness} = await check(folder.write('bytes.aof', Buffer.from(log, 'latin1')))
    expect(soundness!.problems[0]!.text).toMatch(/^S\\xC5T is a command of no server/i)
  })
})
