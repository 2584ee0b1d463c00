/** The rules of the layout: floors, sizes, names, and what may stand nowhere. */
import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {basename, dirname, join, normalize} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70

/** Folders of src by floor; an import goes down, or stays in its folder. */
const FLOORS: Readonly<Record<string, number>> = {
  kernels: 0,
  bytes: 0,
  encoding: 1,
  resp: 1,
  keyspace: 2,
  rdb: 3,
  aof: 4,
  resident: 4,
  jsonl: 4,
  // Cells that are no strings are JSON.
  csv: 4.5,
  parallel: 4,
  replay: 5,
  replication: 5,
  export: 5,
  analysis: 5,
  query: 5.5,
  source: 6,
  report: 6,
  // What a browser runs of a report: it is built apart.
  page: 7,
  jobs: 7,
  threads: 8,
  cli: 8,
  commands: 9,
}
/** Below every floor; and the public library, which may name anything that is no command. */
const GROUND = ['errors', 'limits']

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(path => path !== '')

interface Source {
  path: string
  text: string
  /** Without strings, comments and regular expressions: what is left is code. */
  code: string
}

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return {path, text, code: codeOf(text)}
}

/** Blanks comments and the insides of strings, line by line the same length. */
function codeOf(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=[=(,:!&|?]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g
  return text.replace(token, found => found.replace(/[^\n]/g, ' '))
}

const isCode = (path: string): boolean => /\.(ts|js)$/.test(path)
const sources = tracked.filter(path => path.startsWith('src/') && path.endsWith('.ts')).map(read)
const tests = tracked.filter(path => /^(test|bin)\//.test(path) && isCode(path)).map(read)
/** AssemblyScript: its own rules, except for sizes and names. */
const typescript = sources.filter(({path}) => !path.startsWith('src/kernels/'))

/** Paths that a source imports, relative ones resolved, without ending. */
function importsOf({path, text}: Source): string[] {
  const from =
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g
  return [...text.matchAll(from)].map(match => {
    const name = match[1] ?? match[2] ?? match[3] ?? ''
    return name.startsWith('.') ? normalize(join(dirname(path), name)).replace(/\.js$/, '') : name
  })
}

const folderOf = (path: string): string => path.split('/')[1] ?? ''

/** Lists what breaks a rule: an empty list passes, a full one names every culprit. */
function broken(all: readonly Source[], rule: (source: Source) => string[] | boolean): string[] {
  return all.flatMap(source => {
    const found = rule(source)
    if (Array.isArray(found)) return found.map(one => `${source.path}: ${one}`)
    return found ? [source.path] : []
  })
}

/** What a file imports from where it may not. */
function wrongImports(source: Source): string[] {
  const local = importsOf(source).filter(name => name.startsWith('src/'))
  if (source.path === 'src/index.ts') return local.filter(name => /^src\/(cli|commands|jobs)\//.test(name))
  const from = source.path.split('/').length > 2 ? folderOf(source.path) : undefined
  return local.filter(name => {
    if (name.split('/').length === 2) return !GROUND.includes(basename(name))
    const to = folderOf(name)
    return from === undefined || (from !== to && FLOORS[to]! >= FLOORS[from]!)
  })
}

describe('floors', () => {
  it('every folder of src has one', () => {
    const folders = new Set(sources.filter(({path}) => path.split('/').length > 2).map(({path}) => folderOf(path)))
    expect([...folders].filter(folder => !(folder in FLOORS))).toEqual([])
  })

  it('imports go down or stay in their folder', () => {
    expect(broken(sources, wrongImports)).toEqual([])
  })

  it.each([
    ['src/bytes/cursor.ts', '../encoding/length.js', 'src/encoding/length'],
    ['src/encoding/length.ts', '../resp/reader.js', 'src/resp/reader'],
    ['src/analysis/top.ts', '../export/json.js', 'src/export/json'],
    ['src/rdb/value/set.ts', '../../index.js', 'src/index'],
    ['src/index.ts', './cli/command.js', 'src/cli/command'],
    ['src/errors.ts', './bytes/cursor.js', 'src/bytes/cursor'],
  ])('%s may not import %s', (path, name, wrong) => {
    const text = `import {a} from 'node:fs'\nimport {\n  b,\n  type C,\n} from '${name}'\n`
    expect(wrongImports({path, text, code: text})).toEqual([wrong])
  })

  it('the library loads no command-line code, however far it imports', () => {
    const byPath = new Map(sources.map(source => [source.path.replace(/\.ts$/, ''), source]))
    const seen = new Set<string>()
    const outside = new Set<string>()
    const visit = (path: string): void => {
      if (seen.has(path)) return
      seen.add(path)
      for (const name of importsOf(byPath.get(path)!)) {
        if (name.startsWith('src/')) visit(name)
        else outside.add(name)
      }
    }
    visit('src/index')
    expect(seen.size).toBeGreaterThan(20)
    expect([...outside].filter(name => !name.startsWith('node:'))).toEqual(['fzstd'])
    expect([...seen].filter(path => /^src\/(cli|commands)\//.test(path))).toEqual([])
  })

  it('only the command line knows oclif and ora', () => {
    const wrong = broken(sources, source =>
      /^src\/(cli|commands)\//.test(source.path) ? [] : importsOf(source).filter(name => /oclif|^ora$/.test(name)),
    )
    expect(wrong).toEqual([])
  })
})

/** A declaration or a method: not a call, whose parentheses close behind its braces, and no statement. */
const FUNCTION_HEAD =
  /^\s*(?:(?:export|default|async|static|override|protected|private|get|set)\s+)*\*?\s*(?:function\b|const \w+ = |#?\w+\s*[(<]|\[)/
const STATEMENT = /^\s*(?:if|for|while|switch|catch|return|throw|do|else)\b/

/** Whether as many parentheses close as open. */
const isClosed = (line: string): boolean => (line.match(/\(/g)?.length ?? 0) === (line.match(/\)/g)?.length ?? 0)

/** Functions of more than `linesMax` lines, head and closing brace included. */
function longFunctions(code: string, linesMax: number): string[] {
  const lines = code.split('\n')
  const found: string[] = []
  for (const [i, line] of lines.entries()) {
    if (!FUNCTION_HEAD.test(line) || STATEMENT.test(line)) continue
    const indent = /^\s*/.exec(line)![0]
    // A head of several lines ends where a parenthesis closes at its own indent.
    const ends = line.endsWith('(') ? lines.findIndex((one, j) => j > i && one.startsWith(`${indent})`)) : i
    const head = lines.slice(i, ends + 1).join(' ')
    if (!head.endsWith('{') || !isClosed(head) || /=\s*\{$/.test(head)) continue
    const close = lines.findIndex((one, j) => j > ends && one.startsWith(`${indent}}`))
    if (close - i + 1 > linesMax) found.push(`line ${i + 1} begins a function of ${close - i + 1} lines`)
  }
  return found
}

describe('sizes', () => {
  it(`a file has at most ${FILE_LINES_MAX} lines, tables excepted`, () => {
    const tables = [/^test\/.*(recipes|built|samples)/]
    const all = [...sources, ...tests].filter(({path}) => !tables.some(table => table.test(path)))
    const wrong = broken(all, ({text}) => {
      const lines = text.split('\n').length - 1
      return lines > FILE_LINES_MAX ? [`${lines} lines`] : []
    })
    expect(wrong).toEqual([])
  })

  it(`a function has at most ${FUNCTION_LINES_MAX} lines`, () => {
    expect(broken([...sources, ...tests], ({code}) => longFunctions(code, FUNCTION_LINES_MAX))).toEqual([])
  })

  it('the count of lines sees long functions', () => {
    const body = Array.from({length: 71}, () => '    call()').join('\n')
    const heads = [
      '  async method(a: number): Promise<void> {',
      '  #other(',
      'export function f() {',
      'const g = () => {',
    ]
    heads[1] += '\n    a: number,\n  ): void {'
    const text = heads.map(head => `${head}\n${body}\n${/^ */.exec(head)![0]}}`).join('\n')
    const found = longFunctions(`${text}\ncall(() => {\n${body}\n})\n`, FUNCTION_LINES_MAX)
    const lines = [73, 75, 73, 73]
    expect(found.map(one => Number(/of (\d+) lines/.exec(one)?.[1]))).toEqual(lines)
  })
})

describe('names', () => {
  it('a file is called by what it is', () => {
    const drawers = /^(utils?|helpers?|misc|common|types|constants|shared|lib)\./
    expect(tracked.filter(path => isCode(path) && drawers.test(basename(path)))).toEqual([])
    expect(tracked.filter(path => /(^|\/)(utils?|helpers?|misc|common)\//.test(path))).toEqual([])
  })

  it('files are kebab-case', () => {
    const wrong = tracked.filter(
      path => /^(src|test|bin)\//.test(path) && isCode(path) && /[A-Z_]/.test(basename(path)),
    )
    expect(wrong).toEqual([])
  })

  it('exports are named, except for commands', () => {
    const allowed = /^(src\/commands\/|test\/[\w-]+[.-](config|setup)\.(ts|js)$)/
    const wrong = broken(
      [...sources, ...tests],
      ({path, code}) => !allowed.test(path) && /\bexport default\b/.test(code),
    )
    expect(wrong).toEqual([])
  })

  it('interfaces and types carry no prefix', () => {
    expect(broken(typescript, ({code}) => code.match(/\binterface I[A-Z]\w+/g) ?? [])).toEqual([])
  })
})

describe('forbidden', () => {
  it('nothing is left to do, and no check is switched off', () => {
    const words =
      /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|nocheck|expect-error)|\bas any\b|biome-ignore-all|eslint-disable/g
    // asc takes decorators where a TypeScript editor would complain.
    const exempt = /^test\/tidy\.test\.ts$|^src\/kernels\//
    const wrong = broken(
      [...sources, ...tests].filter(({path}) => !exempt.test(path)),
      ({text}) => text.match(words) ?? [],
    )
    expect(wrong).toEqual([])
  })

  it('the grammar does not wait', () => {
    const grammar =
      /^src\/(encoding\/|rdb\/value\/|rdb\/(records|other-records|opcodes|versions|foreign)\.ts|bytes\/(cursor|lzf|crc64|int64|decimal|writer|kernel)\.ts)/
    const files = typescript.filter(({path}) => grammar.test(path))
    expect(files.length).toBeGreaterThan(20)
    expect(broken(files, ({code}) => code.match(/\b(await|async|Promise)\b/g) ?? [])).toEqual([])
  })

  it('BigInt stays in int64.ts, and in the arguments of builders', () => {
    // And in what needs more bits than a double has, by its nature.
    const exact = /^src\/bytes\/(int64|long-double|bit-integer|xxh3)\.ts$/
    const arithmetic = /\bBigInt\b|\b\d[\d_]*n\b|Big(?:Uint|Int)64/g
    expect(broken(typescript, ({path, code}) => (exact.test(path) ? [] : (code.match(arithmetic) ?? [])))).toEqual([])
    // Builders take one where a caller has one; above the formats a number may be one, and is shown.
    const mayName =
      /^src\/(bytes\/(int64|long-double|bit-integer|xxh3)|encoding\/(listpack|ziplist|intset))\.ts$|^src\/(analysis|report|jobs|query)\//
    const wrong = broken(typescript, ({path, code}) => !mayName.test(path) && /\bbigint\b/.test(code))
    expect(wrong).toEqual([])
  })

  it('the library prints nothing and ends no process', () => {
    const own = typescript.filter(({path}) => !/^src\/(cli|commands)\//.test(path))
    expect(broken(own, ({code}) => code.match(/\bconsole\.\w+|\bprocess\.(exit|stdout|stderr)\b/g) ?? [])).toEqual([])
  })

  it('no file names a machine or a registry', () => {
    const wrong = tracked
      .filter(path => /\.(ts|js|json|md|sh|yml|yaml)$|^\.ci\/|^\.[a-z]+rc$/.test(path) && !path.startsWith('fixtures/'))
      .map(read)
      .flatMap(({path, text}) => {
        const found =
          text.match(
            /(?<![\w.])\/(?:home|root|Users|work)\/[\w.-]+|https?:\/\/(?:localhost|\d+\.\d+\.\d+\.\d+|[\w-]+)(?=[:/"'])/g,
          ) ?? []
        return path === 'test/tidy.test.ts' ? [] : found.map(one => `${path}: ${one}`)
      })
    expect(wrong).toEqual([])
  })

  it('the lock file fetches from the public registry, or names none', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    const hosts = new Set([...lock.matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(match => match[1]))
    expect([...hosts].filter(host => host !== 'registry.npmjs.org')).toEqual([])
  })
})
