/** Colour and progress belong on a terminal, and only there. A real one: `script` of util-linux makes it. */
import {readFileSync} from 'node:fs'
import {join, relative} from 'node:path'
import {stripVTControlCharacters} from 'node:util'
import {describe, expect, it} from 'vitest'
import {fixturesOf} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {hasTerminal, ROOT, shell, terminal} from '../start/run.js'

const folder = temporaryFolder()
const ESC = '\u001b'
const good = join(ROOT, 'fixtures/rdb/cluster-v10.rdb')
const now = '--now 2050-01-01T00:00:00Z'

describe.skipIf(!hasTerminal)('on a terminal', () => {
  it('titles are dressed, and the text is what a pipe gets', async () => {
    const {code, stdout} = await terminal(`rdbtool inspect "$F" ${now}`, 120, {env: {F: good}})
    expect(code).toBe(0)
    expect(stdout).toContain(`${ESC}[1m${good}${ESC}[0m`)
    expect(stdout).toContain(`${ESC}[2mproducer  ${ESC}[0mRedis`)
    const piped = await shell(`rdbtool inspect "$F" ${now}`, {env: {F: good}})
    expect(piped.stdout).not.toContain(ESC)
    expect(stripVTControlCharacters(stdout).replaceAll('\r\n', '\n')).toBe(piped.stdout)
  })

  it.each([
    ['NO_COLOR=1', false],
    ['NO_COLOR=', true],
    ['TERM=dumb', false],
  ])('%s: colour %s', async (setting, coloured) => {
    const {stdout} = await terminal(`${setting} rdbtool inspect "$F"`, 80, {env: {F: good}})
    expect(stdout.includes(ESC)).toBe(coloured)
  })

  it('a failure is dressed by what standard error is', async () => {
    const {stdout} = await terminal('rdbtool inspect missing.rdb', 80)
    expect(stdout).toContain(`${ESC}[33mrdbtool: missing.rdb: there is no such file (ENOENT)${ESC}[0m`)
    const {stdout: piped} = await terminal('rdbtool inspect missing.rdb 2>&1 | cat', 80)
    expect(piped).not.toContain(ESC)
  })

  it('a report and what ended it are told apart, and long sentences stay within the edge', async () => {
    folder.write('cut.rdb', readFileSync(good).subarray(0, 300))
    const {code, stdout} = await terminal('cd "$D"; rdbtool inspect cut.rdb', 80, {env: {D: folder.path}})
    expect(code).toBe(3)
    expect(stripVTControlCharacters(stdout)).toContain(
      '\r\n\r\nrdbtool: cut.rdb: the input ends here, though more must follow (TRUNCATED)\r\n' +
        '  where  byte 300, in the record at byte 296\r\n' +
        '  next   the file was cut short: compare its size with the original and copy it\r\n' +
        '         again, or take a new snapshot\r\n',
    )
  })

  it('JSON has no colour', async () => {
    const {stdout} = await terminal('rdbtool inspect "$F" --json', 80, {env: {F: good}})
    expect(stdout).not.toContain(ESC)
    expect(JSON.parse(stdout)).toMatchObject({keys: 49})
  })

  it('no line is wider than 80 columns, whatever the key', async () => {
    const long = folder.write('long.rdb', fileOf(['k'.repeat(300), '漢'.repeat(100), `${ESC}[31m`.repeat(40)]))
    const paths = fixturesOf('rdb').filter(({name}) => /^(expiry|databases-many|list|functions|replica|lfu)/.test(name))
    const env = {FILES: [long, ...paths.map(({path}) => relative(ROOT, path))].join(' ')}
    const {code, stdout} = await terminal(`cd ${ROOT}; rdbtool inspect $FILES`, 80, {env})
    expect(code).toBe(0)
    const lines = stripVTControlCharacters(stdout).split('\r\n')
    const columns = (line: string): number => line.length + (line.match(/漢/g)?.length ?? 0)
    const wide = lines.filter(line => columns(line) > 80 && !line.endsWith('.rdb'))
    expect(wide).toEqual([])
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.some(line => line.includes('…'))).toBe(true)
  })

  it('an endless key is whole in a pipe', async () => {
    const key = 'k'.repeat(300)
    const path = folder.write('whole.rdb', fileOf([key]))
    const {stdout} = await shell('rdbtool inspect "$F"', {env: {F: path}})
    expect(stdout).toContain(`  ${key}\n`)
  })

  const slowly = '{ head -c 300 "$F"; sleep 3; tail -c +301 "$F"; } | rdbtool inspect -'

  it('progress is shown while one waits, and gone at the end', async () => {
    const {code, stdout} = await terminal(`${slowly} > /dev/null`, 80, {env: {F: good}})
    expect(code).toBe(0)
    expect(stripVTControlCharacters(stdout)).toMatch(/reading standard input {2}300 B {2}\d+ B\/s/)
    // The line is cleared, and the cursor that the spinner hid comes back.
    expect(stdout.lastIndexOf(`${ESC}[0K`)).toBeGreaterThan(stdout.lastIndexOf('reading'))
    expect(stdout.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESC}[?25l`))
  })

  it.each([
    ['--quiet', `${slowly} --quiet > /dev/null`],
    ['no terminal', `${slowly} 2>&1 > /dev/null | cat`],
  ])('no progress: %s', async (_, line) => {
    const {stdout} = await terminal(line, 80, {env: {F: good}})
    expect(stdout).toBe('')
  })

  it('Ctrl-C ends a run, and gives the cursor back', async () => {
    const line = '{ head -c 300 "$F"; sleep 20; } | rdbtool inspect -; echo "exit $?"'
    const {stdout} = await terminal(line, 80, {env: {F: good}, typed: {text: '\u0003', afterMs: 3000}})
    expect(stdout).toContain('reading standard input')
    expect(stdout).toContain('exit 130')
    expect(stdout).not.toContain('producer')
    expect(stdout.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESC}[?25l`))
  })

  it('standard input that is a terminal is refused', async () => {
    const {code, stdout} = await terminal('rdbtool inspect -', 80)
    expect(code).toBe(2)
    expect(stdout).toContain('rdbtool: standard input: it is a terminal: pipe a file into it, or name one')
  })
})
