/** `query` as a process of its own: its formats, what it writes, what it says where something is wrong. */
import {cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync} from 'node:fs'
import {constants} from 'node:os'
import {join} from 'node:path'
import {setTimeout} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {list, RdbFile, text} from '../start/rdb.js'
import {hasTerminal, ROOT, rdbtool, shell, start, terminal} from '../start/run.js'

const folder = temporaryFolder()

const small = folder.write(
  'small.rdb',
  new RdbFile('REDIS', 9)
    .aux('redis-ver', '6.2.1')
    .db(0)
    .key(0, 'user:1', text('Ada, "Countess"'))
    .key(1, 'queue', list(['a', 'b']))
    .db(3)
    .key(0, Buffer.from([0xff, 0x41]), text(''))
    .key(0, '\u001b[31m', text('x'))
    .end(),
)
const many = folder.write(
  'many.rdb',
  (() => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (let i = 0; i < 100_000; i++) file.key(0, `key:${i}`, text(`a value that is longer than twelve bytes ${i}`))
    return file.end()
  })(),
)

const ask = (...args: string[]): ReturnType<typeof rdbtool> => rdbtool(['query', ...args])

describe('query shows rows', () => {
  it('as a table, numbers to the right, nothing that drives the terminal', async () => {
    const {code, stdout, stderr} = await ask(small, 'SELECT db, key, elements FROM keys ORDER BY db, elements DESC')
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    const lines = [
      'db  key       elements',
      ' 0  user:1          15',
      ' 0  queue            2',
      ' 3  \\x1b[31m         1',
      ' 3  \\\\xFFA           0',
    ]
    expect(stdout).toBe(`${lines.join('\n')}\n`)
  })

  it('as CSV, JSON and JSON lines', async () => {
    const sql =
      "SELECT key_bytes AS k, value AS v, NULL AS n, 1.5::DOUBLE AS d FROM elements WHERE type = 'string' AND db <> 3 OR length(value) = 0"
    expect((await ask(small, sql, '--format', 'csv')).stdout).toBe(
      'k,v,n,d\r\nuser:1,"Ada, ""Countess""",,1.5\r\n\\xff41,"",,1.5\r\n',
    )
    const objects = [
      '{"k":"user:1","v":"Ada, \\"Countess\\"","n":null,"d":1.5}',
      '{"k":{"base64":"/0E="},"v":"","n":null,"d":1.5}',
    ]
    expect((await ask(small, sql, '--format', 'jsonl')).stdout).toBe(`${objects.join('\n')}\n`)
    expect((await ask(small, sql, '--format', 'json')).stdout).toBe(`[\n${objects.join(',\n')}\n]\n`)
    expect((await ask(small, 'SELECT 1 WHERE false', '--format', 'json')).stdout).toBe('[]\n')
  })

  it('all of them, from the first to the last', async () => {
    const {stdout} = await ask(many, 'SELECT key, value FROM elements', '--format', 'csv')
    const lines = stdout.split('\r\n')
    expect(lines).toHaveLength(100_002)
    for (const i of [0, 2047, 2048, 16_383, 16_384, 99_999]) {
      expect(lines[i + 1]).toBe(`key:${i},a value that is longer than twelve bytes ${i}`)
    }
  })

  it('no more on a screen than that is for, and tells how many there are', async () => {
    const {stdout, stderr} = await ask(many, 'SELECT key FROM keys')
    expect(stdout.split('\n')).toHaveLength(1002)
    expect(stderr).toMatch(/^99000 more rows: .*--format csv/)
  })

  it('of several sources, by name, and of standard input', async () => {
    const sql = 'SELECT source, count(*) AS n FROM keys GROUP BY ALL ORDER BY n'
    const {stdout} = await ask(small, many, sql, '--format', 'jsonl')
    expect(stdout).toBe(`{"source":"${small}","n":4}\n{"source":"${many}","n":100000}\n`)
    const piped = await shell(
      'cat "$F" | rdbtool query - "SELECT count(*) FROM keys a JOIN keys b USING (key)" --format csv',
      {
        env: {F: small},
      },
    )
    expect(piped).toMatchObject({code: 0, stdout: 'count_star()\r\n4\r\n'})
  })

  it('exactly: a mark of byte order, decimals, minus zero, columns in their order, moments in UTC', async () => {
    const sql =
      "SELECT decode('\\xEF\\xBB\\xBFbom'::BLOB) AS t, 12345678901234567890.5::DECIMAL(30,1) AS d, '-0'::DOUBLE AS z, 2, 1"
    const {stdout} = await ask(small, sql, '--format', 'jsonl')
    expect(stdout).toBe('{"t":"\\ufeffbom","d":"12345678901234567890.5","z":"-0","2":2,"1":1}\n')
    const elsewhere = await rdbtool(
      [
        'query',
        small,
        "SELECT '2026-11-27 21:00:00'::TIMESTAMP < '2026-11-27 22:00:00+00'::TIMESTAMPTZ AS earlier",
        '--format',
        'csv',
      ],
      {env: {TZ: 'America/New_York'}},
    )
    expect(elsewhere.stdout).toBe('earlier\r\ntrue\r\n')
  })

  it.each([
    ['DESCRIBE keys', /key_bytes +BLOB/],
    ['SHOW TABLES', /elements\nkeys/],
    ['SUMMARIZE SELECT elements FROM keys', /elements +BIGINT/],
    ['PIVOT (SELECT type FROM keys) ON type USING count(*)', /list +string\n +1 +3/],
    ['CREATE TABLE mine AS SELECT 40 AS x; SELECT x + 2 AS answer FROM mine -- so', /answer\n +42/],
  ])('of %s', async (sql, shown) => {
    const {code, stdout, stderr} = await ask(small, sql)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toMatch(shown)
  })

  it('a column a line where side by side they are too wide', async () => {
    const {stdout} = await terminal('rdbtool query "$F" "SELECT * FROM keys LIMIT 1"', 80, {
      env: {F: small, NO_COLOR: '1'},
    })
    expect(stdout).toMatch(/row 1[\s\S]*\bkey_bytes\b[^\n]*user:1[\s\S]*prefix1_bytes/)
  })

  it('of keys that are told apart by their bytes only', async () => {
    const twins = folder.write(
      'twins.rdb',
      new RdbFile('REDIS', 9)
        .db(0)
        .key(0, Buffer.from([0xff, 0x3a, 0x31]), text('a'))
        .key(0, '\\xFF:1', text('b'))
        .end(),
    )
    const {stdout} = await ask(
      twins,
      'SELECT count(DISTINCT prefix1_bytes) AS p, count(DISTINCT key_bytes) AS k FROM keys',
      '--format',
      'csv',
    )
    expect(stdout).toBe('p,k\r\n2,2\r\n')
  })

  it('of selected keys', async () => {
    const {stdout} = await ask(small, 'SELECT count(*) AS n FROM keys', '--db', '3', '--format', 'jsonl')
    expect(stdout).toBe('{"n":2}\n')
  })
})

describe('query writes', () => {
  it('a file once all rows are in it, and replaces none unless told', async () => {
    const out = join(folder.path, 'rows.csv')
    expect(await ask(small, 'SELECT db FROM keys', '--out', out)).toMatchObject({code: 0, stdout: ''})
    expect(readFileSync(out, 'utf8')).toBe('db\r\n0\r\n0\r\n3\r\n3\r\n')
    expect((await ask(small, 'SELECT 1', '--out', out)).code).toBe(2)
    expect((await ask(small, 'SELECT 1 AS one', '--out', out, '--force')).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe('one\r\n1\r\n')
    expect((await ask(small, 'SELECT 1', '--out', join(folder.path, 'rows.txt'))).stderr).toMatch(
      /a table is for a screen/,
    )
  })

  it('Parquet, in which keys of any bytes survive', async () => {
    const out = join(folder.path, 'keys.parquet')
    expect(await ask(small, 'SELECT key_bytes, db FROM keys', '--out', out)).toMatchObject({code: 0})
    const {stdout} = await ask(small, `SELECT db, key_bytes FROM '${out}' ORDER BY ALL`, '--format', 'jsonl')
    expect(stdout.split('\n')).toContain('{"db":3,"key_bytes":{"base64":"/0E="}}')
    const join_ = `SELECT count(*) AS n FROM '${out}' p JOIN keys k ON p.key_bytes = k.key_bytes AND p.db = k.db`
    expect((await ask(small, join_, '--format', 'jsonl')).stdout).toBe('{"n":4}\n')
  })

  it('a database, which is asked from then on', async () => {
    const saved = join(folder.path, 'small.duckdb')
    const {code, stdout} = await ask(small, 'SELECT count(*) AS n FROM elements', '--save', saved, '--format', 'jsonl')
    expect({code, stdout}).toEqual({code: 0, stdout: '{"n":5}\n'})
    expect(existsSync(saved)).toBe(true)
    expect((await ask(small, '--save', saved)).stderr).toMatch(/is there already/)
    const again = `ATTACH '${saved}' AS s (READ_ONLY); SELECT count(*) AS n FROM s.keys`
    expect((await ask(small, again, '--format', 'jsonl')).stdout).toBe('{"n":4}\n')
  })

  it('over no source, not even forced', async () => {
    const own = folder.write('own.rdb', readFileSync(small))
    for (const args of [
      ['SELECT 1', '--format', 'csv', '--out', own],
      ['SELECT 1', '--format', 'parquet', '--out', own],
      ['--save', own],
    ]) {
      const {code, stderr} = await ask(own, ...args, '--force')
      expect({code, stderr}).toMatchObject({code: 2, stderr: expect.stringMatching(/is what is read/)})
    }
    expect(readFileSync(own).equals(readFileSync(small))).toBe(true)
  })

  it('both tables of several sources, without a statement, and nothing where the last word is none', async () => {
    const saved = join(folder.path, 'two.duckdb')
    expect(await ask(small, many, '--save', saved)).toMatchObject({code: 0, stdout: ''})
    const again = `ATTACH '${saved}' AS s (READ_ONLY); SELECT count(*) AS n, count(DISTINCT source) AS s FROM s.keys`
    expect((await ask(small, again, '--format', 'jsonl')).stdout).toBe('{"n":100004,"s":2}\n')
    expect((await ask(small, join(folder.path, 'absent'), '--save', join(folder.path, 'no.duckdb'))).code).toBe(5)
    expect(existsSync(join(folder.path, 'no.duckdb'))).toBe(false)
  })

  it('Parquet of the last of several statements, in the order asked for', async () => {
    const out = join(folder.path, 'sorted.parquet')
    const sql = 'CREATE TABLE t AS SELECT key, elements FROM keys; SELECT key FROM t ORDER BY elements DESC, key -- so'
    expect(await ask(small, sql, '--out', out)).toMatchObject({code: 0})
    expect((await ask(small, `SELECT key FROM '${out}'`, '--format', 'csv')).stdout.split('\r\n')[1]).toBe('user:1')
  })

  it('values that are larger than its memory all together', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (let i = 0; i < 300; i++) file.key(0, `k${i}`, text(String.fromCharCode(97 + (i % 26)).repeat(1024 * 1024)))
    const large = folder.write('large.rdb', file.end())
    const out = join(folder.path, 'large.parquet')
    expect(await ask(large, 'SELECT value_bytes FROM elements', '--out', out, '--memory', '256MB')).toMatchObject({
      code: 0,
    })
    expect(
      (await ask(large, `SELECT sum(octet_length(value_bytes)) AS n FROM '${out}'`, '--format', 'csv')).stdout,
    ).toBe('n\r\n314572800\r\n')
    const {code, stderr} = await ask(large, 'SELECT list(value_bytes) FROM elements', '--memory', '64MiB')
    expect({code, stderr}).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/more memory than 64 MiB: give it more with --memory/),
    })
  })

  it('nothing of a source that is damaged', async () => {
    const cut = folder.write('cut.rdb', readFileSync(many).subarray(0, 2_000_000))
    for (const args of [
      ['SELECT * FROM keys', '--out', join(folder.path, 'cut.csv')],
      ['SELECT * FROM keys', '--out', join(folder.path, 'cut.parquet')],
      ['--save', join(folder.path, 'cut.duckdb')],
    ]) {
      const {code, stderr} = await ask(cut, ...args)
      expect(code).toBe(3)
      expect(stderr).toMatch(/TRUNCATED[\s\S]*where .*cut\.rdb, byte 2,000,000/)
    }
    for (const name of ['cut.csv', 'cut.parquet', 'cut.duckdb', 'cut.duckdb.wal']) {
      expect(existsSync(join(folder.path, name)), name).toBe(false)
    }
  })
})

describe('query says', () => {
  it.each([
    [['SELEC 1'], 2, /SQL: .*syntax error/],
    [['SELECT nothing FROM keys'], 2, /SQL: .*"nothing"/],
    [['SELECT 1', '--format', 'parquet'], 2, /name it with --out/],
    [['SELECT 1', '--memory', '1mb'], 2, /too little memory/],
    [['SELECT sum(memory_bytes) FROM keys', '--server', 'nosuch-1.0'], 2, /nosuch-1\.0/],
    [
      ["SELECT CAST(CASE WHEN i = 900000 THEN 'x' ELSE '1' END AS INT) FROM range(1000000) t(i)"],
      2,
      /SQL: Conversion Error/,
    ],
    [['/* nothing */ ;'], 2, /there is no statement/],
    [[], 2, /give a statement behind the source, or --save, or --repl/],
  ] as const)('%j: exit %d', async (args, code, words) => {
    const result = await ask(small, ...args)
    expect(result.code).toBe(code)
    expect(result.stderr).toMatch(words)
  })

  it('which source is not there', async () => {
    const {code, stderr} = await ask(small, 'absent.rdb', 'SELECT count(*) FROM keys')
    expect(code).toBe(5)
    expect(stderr).toMatch(/absent\.rdb: there is no such file/)
  })

  it('once what several readings of a source tell', async () => {
    const trailing = folder.write('trailing.rdb', Buffer.concat([readFileSync(small), Buffer.alloc(7)]))
    const {stderr} = await ask(trailing, 'SELECT count(*) FROM keys a, keys b')
    expect(stderr.match(/7 bytes follow/g)).toHaveLength(1)
  })

  it('what to install where the engine is not, and all else works', async () => {
    const alone = join(folder.path, 'alone')
    mkdirSync(alone)
    for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
      cpSync(join(ROOT, name), join(alone, name), {recursive: true})
    }
    // The only packages that the bundle does not hold.
    mkdirSync(join(alone, 'node_modules'))
    symlinkSync(join(ROOT, 'node_modules/fzstd'), join(alone, 'node_modules/fzstd'))
    const {code, stderr} = await shell('BIN="$A/bin/run.js"; rdbtool query "$F" "SELECT 1"', {
      env: {A: alone, F: small},
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/SQL needs DuckDB, which is not installed: npm install @duckdb\/node-api@/)
    const dumped = await shell('BIN="$A/bin/run.js"; rdbtool dump "$F" --format parquet --out "$A/out"', {
      env: {A: alone, F: small},
    })
    expect(dumped.stderr).toMatch(/npm install @duckdb\/node-api/)
    expect(
      await shell('BIN="$A/bin/run.js"; rdbtool inspect "$F" > /dev/null', {env: {A: alone, F: small}}),
    ).toMatchObject({code: 0})
  })
})

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends a statement that runs, and nothing stays', async signal => {
    const temporary = join(folder.path, `tmp-${signal}`)
    mkdirSync(temporary)
    const out = join(temporary, 'rows.csv')
    const sql = 'SELECT count(*) FROM keys a, keys b, keys c WHERE a.key || b.key < c.key'
    const {child, finished} = start(['query', many, sql, '--out', out], {TMPDIR: temporary})
    // Its folder for what does not fit into memory is there: the statement comes next.
    while (readdirSync(temporary).length === 0) await setTimeout(50)
    await setTimeout(1500)
    child.kill(signal)
    const {code, signal: met} = await finished
    expect(met ?? code).toBe(met === null ? 128 + constants.signals[signal] : signal)
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('the questions of README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const block = /```sql\n([\s\S]*?)```/.exec(readme)![1]!
  const questions = [...block.matchAll(/-- (.*)\n([^;]*;)/g)].map(
    ([, question = '', sql = '']) => [question, sql] as const,
  )
  const lists = join(ROOT, 'fixtures/rdb/hash-listpack-v10.rdb')

  it('are ten', () => expect(questions).toHaveLength(10))

  it.each(questions)('%s', async (_question, sql) => {
    const {code, stderr} = await ask(small, lists, sql)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
  })
})

describe('query --repl', () => {
  it.skipIf(!hasTerminal)('runs statements of several lines, goes on behind a mistake, and ends', async () => {
    const {code, stdout} = await terminal('rdbtool query "$F" --repl', 100, {
      env: {F: small},
      typed: {
        text: '.tables\nSELECT count(*)\nAS n FROM keys;\nSELECT oops;\nSELECT 40 + 2 AS answer;\n.quit\n',
        afterMs: 1500,
      },
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/key_bytes +BLOB +the key, exactly/)
    expect(stdout).toMatch(/\n4\r?\n/)
    expect(stdout).toMatch(/oops/)
    expect(stdout).toMatch(/answer[\s\S]*42/)
  })
})

describe('dump --format parquet', () => {
  it('writes both tables into a folder that is replaced only where it is ours', async () => {
    const out = join(folder.path, 'tables')
    const {code, stderr} = await rdbtool(['dump', small, '--format', 'parquet', '--out', out])
    expect({code, stderr}).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^written {2}4 rows of keys, 5 rows of elements/),
    })
    const sql = `SELECT (SELECT count(*) FROM '${out}/keys.parquet') AS k, (SELECT count(*) FROM '${out}/elements.parquet') AS e`
    expect((await ask(small, sql, '--format', 'jsonl')).stdout).toBe('{"k":4,"e":5}\n')
    expect((await rdbtool(['dump', small, '--format', 'parquet', '--out', out])).code).toBe(2)
    expect((await rdbtool(['dump', small, '--format', 'parquet', '--out', out, '--force', '--db', '3'])).code).toBe(0)
    expect((await ask(small, sql, '--format', 'jsonl')).stdout).toBe('{"k":2,"e":2}\n')
    folder.write('tables/mine.txt', 'x')
    expect((await rdbtool(['dump', small, '--format', 'parquet', '--out', out, '--force'])).stderr).toMatch(
      /not replaced/,
    )
  })
})
