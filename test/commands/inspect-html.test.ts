/** `inspect --html` as a command: where the page goes, and when none is made. */
import {existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {embeddedJson} from '../../src/report/page.js'
import type {PageData} from '../../src/report/page-data.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', 'rdb', `${name}.rdb`)
const at = (name: string): string => join(folder.path, name)

/** The data that a page holds. */
function dataOf(path: string): PageData {
  const text = readFileSync(path, 'utf8')
  return JSON.parse(/<script type="application\/json" id="data">([^<]*)<\/script>/.exec(text)![1]!)
}

describe('inspect --html', () => {
  it('writes a page beside the report, and says so', async () => {
    const finished = await rdbtool(['inspect', fixture('databases-v11'), '--html', at('one.html')])
    expect(finished).toMatchObject({code: 0, stderr: ''})
    expect(finished.stdout).toMatch(/\nkeys {6}6, none with an expiry\n/)
    expect(finished.stdout).toMatch(/\npage {6}\S+one\.html, \d+ KiB\n$/)
    const {sources, version} = dataOf(at('one.html'))
    expect(version).toBe(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version)
    expect(sources).toMatchObject([{keys: 6, memory: [{server: 'valkey-8.1'}]}])
  })

  it('lists more keys than the report, whose numbers stay', async () => {
    const keys = Array.from({length: 60}, (_, i) => `k:${i}`)
    const path = folder.write('sixty.rdb', fileOf(keys))
    const plain = await rdbtool(['inspect', path, '--json', '--now', '2050-01-01'])
    const finished = await rdbtool(['inspect', path, '--json', '--now', '2050-01-01', '--html', at('sixty.html')])
    expect(finished).toEqual(plain)
    expect(JSON.parse(finished.stdout).biggest).toHaveLength(10)
    const [source] = dataOf(at('sixty.html')).sources
    expect(source!.biggest).toHaveLength(60)
    expect(source!.prefixes).toEqual([[-1, 'k', 60, 0, expect.any(Number), expect.any(Number), expect.any(Number)]])
  })

  it('replaces nothing unless forced, and is refused before anything is read', async () => {
    const taken = folder.write('taken.html', 'mine')
    const refused = await rdbtool(['inspect', fixture('databases-v11'), '--html', taken])
    expect(refused).toMatchObject({code: 2, stdout: ''})
    expect(refused.stderr).toContain('is there already')
    expect(readFileSync(taken, 'utf8')).toBe('mine')
    expect(await rdbtool(['inspect', fixture('databases-v11'), '--html', taken, '--force'])).toMatchObject({code: 0})
    expect(dataOf(taken).sources).toHaveLength(1)
    expect((await rdbtool(['inspect', fixture('databases-v11'), '--force'])).code).toBe(2)
  })

  it('replaces no source, whatever it is called, not even forced', async () => {
    const whole = fileOf(['a', 'b'])
    const [path, other] = [folder.write('source.rdb', whole), folder.write('other.rdb', fileOf(['c']))]
    symlinkSync(path, at('link.rdb'))
    linkSync(path, at('second-name.rdb'))
    mkdirSync(at('log'))
    const [file, manifest] = ['a.aof.1.base.aof', 'a.aof.manifest']
    folder.write(join('log', file), fileOf(['d']))
    folder.write(join('log', manifest), `file ${file} seq 1 type b\n`)
    for (const [out, ...args] of [
      [path, path],
      [path, other, path],
      [path, at('link.rdb')],
      [at('link.rdb'), path],
      [path, at('second-name.rdb')],
      [path, other, '--since', path],
      [join(at('log'), file), at('log')],
      [join(at('log'), file), join(at('log'), manifest)],
    ] as const) {
      const before = readFileSync(out)
      const refused = await rdbtool(['inspect', ...args, '--html', out, '--force'])
      expect(refused, args.join(' ')).toMatchObject({code: 2, stdout: ''})
      expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain('is what is read')
      expect(readFileSync(out)).toEqual(before)
    }
    expect(await shell(`rdbtool inspect - --html ${path} --force < ${path}`)).toMatchObject({code: 2})
    expect(readFileSync(path)).toEqual(Buffer.from(whole))
  })

  it('of several sources names on the page the one that is not there', async () => {
    const sound = folder.write('sound.rdb', fileOf(['a']))
    const finished = await rdbtool(['inspect', sound, at('missing.rdb'), '--html', at('several.html')])
    expect(finished.code).toBe(5)
    expect(readFileSync(at('several.html'), 'utf8')).toContain('missing.rdb')
  })

  it('of a damaged file says on the page what is missing', async () => {
    const whole = fileOf(['a', 'b', 'c'])
    const cut = folder.write('cut.rdb', whole.subarray(0, whole.length - 12))
    expect(await rdbtool(['inspect', cut, '--html', at('cut.html')])).toMatchObject({code: 3})
    const [source] = dataOf(at('cut.html')).sources
    expect(source!.failure).toMatch(/TRUNCATED/)
    expect(source!.keys).toBeGreaterThan(0)
  })

  it('of no source at all makes no page, and leaves nothing behind', async () => {
    const finished = await rdbtool(['inspect', at('missing.rdb'), '--html', at('none.html')])
    expect(finished.code).toBe(5)
    expect(existsSync(at('none.html'))).toBe(false)
    expect(readdirSync(folder.path).filter(name => name.includes('.tmp'))).toEqual([])
  })

  it('takes pipes and logs', async () => {
    const line = `rdbtool inspect - --html ${at('pipe.html')} -q < ${fixture('lru-v80')}`
    expect(await shell(line)).toMatchObject({code: 0})
    expect(dataOf(at('pipe.html')).sources[0]!.idle.some(({sum: [keys]}) => keys > 0)).toBe(true)
    const log = folder.write('log.aof', '*3\r\n$3\r\nSET\r\n$3\r\na:1\r\n$1\r\nv\r\n')
    expect(await rdbtool(['inspect', log, '--html', at('log.html')])).toMatchObject({code: 0})
    expect(dataOf(at('log.html')).sources).toMatchObject([
      {keys: 1, prefixes: [[-1, 'a', 1, 0, 0, expect.any(Number), expect.any(Number)]]},
    ])
  })
})

it('JSON in a page holds nothing that a parser of HTML would stop at', () => {
  const texts = ['</script>', '<!--', ']]>', '\u2028\u2029', '&amp;', '"\\']
  const text = embeddedJson(texts)
  expect(text).not.toMatch(/[<>&\u2028\u2029]/)
  expect(JSON.parse(text)).toEqual(texts)
})
