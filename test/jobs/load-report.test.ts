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
const identity: LoadIdentity = {source: 'dump.rdb', keys: 100, target: 'db1:6379', selection: '{}'}
const key = Buffer.from('key')

function run(path: string, failed: readonly number[], position: number, sent: number): void {
  const report = new LoadReport(path, names > 0 && exists(path))
  report.begin(identity)
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
    expect(readLoadState(path, identity)).toEqual({position: 50, sent: 60, failed: new Set([3, 40])})
  })

  it('of several runs says what is left when all have done their part', () => {
    const path = newPath()
    run(path, [3, 7, 40], 50, 60)
    // It tried 3 and 7 again, of which 7 was refused once more, and ended before it came to 40.
    run(path, [7], 20, 20)
    expect(readLoadState(path, identity)).toEqual({position: 50, sent: 60, failed: new Set([7, 40])})
    run(path, [], 100, 100)
    expect(readLoadState(path, identity)).toEqual({position: 100, sent: 100, failed: new Set()})
  })

  it('may end within a line', () => {
    const path = newPath()
    run(path, [3], 50, 60)
    appendFileSync(path, '{"position":70,"se')
    expect(readLoadState(path, identity)).toMatchObject({position: 50})
  })

  it.each(Object.keys(identity))('of another %s is refused', name => {
    const path = newPath()
    run(path, [], 50, 60)
    expect(() => readLoadState(path, {...identity, [name]: 'other'})).toThrow(/is of another load/)
  })

  it('that is something else is refused, and one that is there is not overwritten', () => {
    expect(() => readLoadState(folder.write('other', 'text\n'), identity)).toThrow(UsageError)
    expect(() => readLoadState(folder.write('empty', ''), identity)).toThrow(UsageError)
    expect(() => new LoadReport(join(folder.path, 'other'), false)).toThrow(/is there already/)
  })
})
