/** Every code that a report may have stands in the README, with what to do; and a sample shows each that check has. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {CHECK_SAMPLES} from './jobs/check-samples.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const sourcesIn = (folder: string): string[] => readdirSync(join(ROOT, folder)).map(file => `${folder}/${file}`)

/** Where codes are made. */
const SOURCES = [
  'src/errors.ts',
  'src/analysis/warnings.ts',
  'src/aof/log-reader.ts',
  'src/encoding/packed-check.ts',
  'src/rdb/reader.ts',
  'src/rdb/reading-end.ts',
  'src/source/aof.ts',
  'src/source/log-replay.ts',
  ...sourcesIn('src/analysis').filter(path => /soundness/.test(path)),
  ...sourcesIn('src/analysis/loading'),
  ...sourcesIn('src/jobs').filter(path => /check/.test(path)),
]

/** In capitals, and no code; or one that neither check nor inspect has. */
const NO_CODES = new Set(['MODULE_AUX', 'SLOT_INFO', 'KEY_META', 'HASH_TEMPLATE', 'NOT_IN_TARGET'])

const codesOf = (path: string): string[] =>
  [...read(path).matchAll(/'([A-Z]+(?:_[A-Z]+)+|UNSORTED|TRUNCATED|SILENCE)'/g)].map(match => match[1]!)
const codes = [...new Set(SOURCES.flatMap(codesOf))].filter(code => !NO_CODES.has(code)).sort()

it('the README tells of every code', () => {
  expect(codes.length).toBeGreaterThan(70)
  const readme = read('README.md')
  expect(codes.filter(code => !readme.includes(`\`${code}\``))).toEqual([])
})

it('the README tells of no other', () => {
  const told = [...read('README.md').matchAll(/^\| (`[A-Z_]+`.*?) \|/gm)].flatMap(
    ([, cell]) => cell!.match(/[A-Z]+(?:_[A-Z]+)*/g)!,
  )
  expect(told.filter(code => !codes.includes(code))).toEqual([])
})

/** Of conversations with servers: jobs/sync.test.ts has each. */
const wire = new Set(
  /type WireCode =([\s\S]*?)\n\n/.exec(read('src/errors.ts'))![1]!.match(/[A-Z]+(?:_[A-Z]+)+|SILENCE/g),
)

/** Shown elsewhere. */
const ELSEWHERE: [codes: string[], where: string][] = [
  [['EMPTY_INPUT', 'BAD_MAGIC', 'BAD_VERSION', 'UNKNOWN_TYPE'], 'test/jobs/check.test.ts'],
  [['UNKNOWN_CONTAINER'], 'test/rdb/foreign.test.ts'],
  [['UNKNOWN_OPCODE'], 'test/rdb/records.test.ts'],
  [['TOO_LARGE', 'PENDING_MANY'], 'test/jobs/check-limits.test.ts'],
  [['DUPLICATE_KEY_SUSPECTED', 'DUPLICATE_ELEMENT_SUSPECTED'], 'test/commands/check.test.ts'],
  [['BAD_COMPRESSION'], 'test/rdb/foreign.test.ts'],
  [['BAD_JSON'], 'test/jsonl/reader.test.ts'],
  [['BAD_COMMAND'], 'test/aof/creating-reader.test.ts'],
  [['BAD_TABLE'], 'test/csv/csv.test.ts'],
  [['BAD_MANIFEST'], 'test/aof/manifest.test.ts'],
  [['LOG_CUT'], 'test/source/point-in-time.test.ts'],
  [
    ['LOG_TORN', 'COMMAND_FAILED', 'COMMAND_SKIPPED', 'COMMAND_PARTLY', 'LOOSE_FRAMING', 'STRAY_FILE'],
    'test/source/aof.test.ts',
  ],
  [
    ['MISSING_FILE', 'LOG_TORN', 'BAD_ARITY', 'BAD_TRANSACTION', 'MODULE_COMMAND', 'STRAY_FILE', 'LOOSE_FRAMING'],
    'test/jobs/check-aof.test.ts',
  ],
  [['UNKNOWN_COMMAND'], 'test/replay/engine.test.ts'],
  [['SLOT_IMPORT'], 'test/analysis/loading.test.ts'],
  [['LOG_FOLDER', 'LOG_PREAMBLE'], 'test/commands/check-target.test.ts'],
]

it('a sample shows every code of check', () => {
  const shown = new Set(CHECK_SAMPLES.flatMap(({codes: found}) => found.map(code => code.replace('?', ''))))
  const elsewhere = new Set(ELSEWHERE.flatMap(([some]) => some))
  for (const [some, where] of ELSEWHERE) {
    const text = read(where)
    expect(
      some.filter(code => !text.includes(code)),
      where,
    ).toEqual([])
  }
  const ofCheck = codes.filter(code => !codesOf('src/analysis/warnings.ts').includes(code))
  expect(ofCheck.filter(code => !shown.has(code) && !elsewhere.has(code) && !wire.has(code))).toEqual([])
})
