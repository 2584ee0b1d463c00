/** What a load has written down: where the next run takes it up. */
import {appendFileSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {UsageError} from '../../src/index.js'
import {type LoadIdentity, LoadReport, readLoadState} from '../../src/jobs/load-report.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let names = 0
const newPath = (): string => join(folder.path, `report-${names++}`)
const identity: LoadIdentity = {source: 'dump.rdb', keys: 100, mark: '9:ff', target: 'db1:6379', selection: '{}'}
const key = Buffer.from('key')

function run(
  path: string,
  failed: readonly number[],
  position: number,
  sent: number,
  servers: readonly string[] = ['one'],
): void {
  const report = new LoadReport(path, names > 0 && exists(path))
  report.begin(identity, servers)
  for (const number of failed) report.failed(number, 0, key, 'ERR')
  report.progress(position, sent)
  report.close()
}

function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}

describe('a report', () => {
  it('says where a run ended, and what was refused', () => {
    const path = newPath()
    run(path, [3, 40], 50, 60)
    expect(readLoadState(path, identity, ['one'])).toEqual({
      position: 50,
      sent: 60,
      failed: new Set([3, 40]),
      begun: new Set(),
    })
  })

  it('of several runs says what is left when all have done their part', () => {
    const path = newPath()
    run(path, [3, 7, 40], 50, 60)
    // It tried 3 and 7 again, of which 7 was refused once more, and ended before it came to 40.
    run(path, [7], 20, 20)
    expect(readLoadState(path, identity, ['one'])).toEqual({
      position: 50,
      sent: 60,
      failed: new Set([7, 40]),
      begun: new Set(),
    })
    run(path, [], 100, 100)
    expect(readLoadState(path, identity, ['one'])).toEqual({
      position: 100,
      sent: 100,
      failed: new Set(),
      begun: new Set(),
    })
  })

  it('of a server that was started anew says that all goes again, and may be there', () => {
    const path = newPath()
    run(path, [3, 40], 50, 150)
    expect(readLoadState(path, identity, ['other'])).toEqual({
      ...{position: 0, sent: 150, failed: new Set(), begun: new Set()},
    })
    run(path, [], 10, 20, ['other'])
    expect(readLoadState(path, identity, ['other'])).toMatchObject({position: 10, sent: 150})
    expect(readLoadState(path, identity, ['one'])).toMatchObject({position: 0, sent: 150})
  })

  it('has noted more than was sent until it ends', () => {
    const path = newPath()
    const report = new LoadReport(path, false)
    report.begin(identity, ['one'])
    report.progress(5, 1000)
    expect(readLoadState(path, identity, ['one'])).toMatchObject({position: 5, sent: 1000})
    report.progress(20, 30)
    report.close()
    expect(readLoadState(path, identity, ['one'])).toMatchObject({position: 20, sent: 30})
  })

  it('tells of what part there may be of large keys', () => {
    const path = newPath()
    const report = new LoadReport(path, false)
    report.begin(identity, ['one'])
    for (const number of [3, 4, 5]) {
      report.failed(number, 0, key, 'it is large')
      report.begun(number)
    }
    report.loaded(3)
    report.failed(5, 0, key, 'OOM')
    report.close()
    expect(readLoadState(path, identity, ['one'])).toMatchObject({failed: new Set([4, 5]), begun: new Set([4])})
  })

  it('may end within a line', () => {
    const path = newPath()
    run(path, [3], 50, 60)
    appendFileSync(path, '{"position":70,"se')
    expect(readLoadState(path, identity, ['one'])).toMatchObject({position: 50})
  })

  it.each(Object.keys(identity))('of another %s is refused', name => {
    const path = newPath()
    run(path, [], 50, 60)
    expect(() => readLoadState(path, {...identity, [name]: 'other'}, ['one'])).toThrow(/is of another load/)
  })

  it('that is something else is refused, and one that is there is not overwritten', () => {
    expect(() => readLoadState(folder.write('other', 'text\n'), identity, [])).toThrow(UsageError)
    expect(() => readLoadState(folder.write('empty', ''), identity, [])).toThrow(UsageError)
    expect(() => new LoadReport(join(folder.path, 'other'), false)).toThrow(/is there already/)
  })
})
