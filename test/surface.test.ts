/** What leaves this repository: exported names, packed files, dependencies, the manifest, and what an import loads. */
import {execFileSync} from 'node:child_process'
import {cpSync, existsSync, readFileSync, symlinkSync} from 'node:fs'
import {basename, join} from 'node:path'
import {describe, expect, expectTypeOf, it} from 'vitest'
// Types leave no trace at run time: that they are exported is what the type check says of these lines.
import type {
  ByteRegion,
  ByteSource,
  ByteWindow,
  Chain,
  ChecksumVerdict,
  Depth,
  EndReason,
  EntryVisitor,
  Family,
  FormatCode,
  FullResyncOptions,
  Int64,
  LentBytes,
  Limits,
  LinkState,
  LogCommand,
  LogEnd,
  LogLoss,
  LogSalvage,
  LogVisitor,
  LossReason,
  Manifest,
  MasterEvent,
  MasterMessage,
  MasterOptions,
  ModuleAux,
  PastDamage,
  PayloadHeader,
  Place,
  Problem,
  RdbElement,
  RdbEnd,
  RdbHeader,
  RdbReaderOptions,
  Readable,
  ReadValue,
  ReplicaOptions,
  ReplicaStatus,
  ReplicatedCommand,
  ReplicationEvent,
  ReplicationObserver,
  SalvagedFile,
  SalvageOptions,
  SalvageProgress,
  ServedSnapshot,
  ServerAddress,
  SlotInfo,
  SnapshotLoss,
  SnapshotPart,
  SnapshotPiece,
  SnapshotSurvey,
  SnapshotWish,
  TlsOptions,
  TransferProgress,
  UnsupportedCode,
  ValueType,
  WireCode,
  WireContext,
  WireMessage,
  WireStage,
} from '../src/index.js'
import * as library from '../src/index.js'
import {temporaryFolder} from './start/folder.js'
import {environment, ROOT} from './start/run.js'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const folder = temporaryFolder()

function node(code: string): string {
  const args = ['--input-type=module', '--eval', code]
  return execFileSync(process.execPath, args, {cwd: ROOT, encoding: 'utf8', env: environment()})
}

describe('the library', () => {
  it('exports these names', () => {
    expect(Object.keys(library).sort()).toEqual([
      'ByteOutput',
      'CommandWriter',
      'CreatingReader',
      'CsvReader',
      'CsvWriter',
      'DifferenceSink',
      'DigestVisitor',
      'Entry',
      'FileRegion',
      'FileTarget',
      'FormatError',
      'GrowingFile',
      'GrowingLog',
      'JsonReader',
      'JsonWriter',
      'LimitError',
      'LogReader',
      'Master',
      'MemoryRegion',
      'MemorySource',
      'MemoryTarget',
      'NEVER',
      'NO_TYPE_ID',
      'PayloadWriter',
      'PlacedError',
      'RdbEntry',
      'RdbReader',
      'RdbValue',
      'RdbWriter',
      'ReplicaClient',
      'Resync',
      'SKIP',
      'StreamId',
      'StreamTarget',
      'StreamUnits',
      'TARGETS',
      'UnsupportedError',
      'UsageError',
      'ValueVisitor',
      'WireError',
      'decompressed',
      'evenSlots',
      'formatPlace',
      'fullResync',
      'guessHeader',
      'limits',
      'openChain',
      'openFile',
      'ownTarget',
      'parseAddress',
      'parseClusterNodes',
      'parsePlace',
      'predictLoad',
      'readPayload',
      'readPiece',
      'salvageLog',
      'slotOf',
      'surveySnapshot',
      'targetOf',
    ])
  })

  it('exports these types', () => {
    expectTypeOf<[ByteSource, ByteWindow, ChecksumVerdict, Depth, EntryVisitor, FormatCode]>().toBeArray()
    expectTypeOf<[Int64, Limits, ModuleAux, Place, Problem, RdbElement]>().toBeArray()
    expectTypeOf<[Family, LentBytes, ReadValue]>().toBeArray()
    expectTypeOf<[ByteRegion, SnapshotLoss, SnapshotPiece, SnapshotSurvey]>().toBeArray()
    expectTypeOf<[Chain, Manifest, LogCommand, LogEnd, LogVisitor]>().toBeArray()
    expectTypeOf<[RdbEnd, RdbHeader, RdbReaderOptions, SlotInfo, UnsupportedCode, ValueType]>().toBeArray()
    expectTypeOf<[FullResyncOptions, PayloadHeader, ReplicaOptions, ReplicatedCommand, ReplicationEvent]>().toBeArray()
    expectTypeOf<[ReplicationObserver, ServerAddress, TlsOptions, TransferProgress]>().toBeArray()
    expectTypeOf<[EndReason, LinkState, MasterEvent, MasterMessage, MasterOptions, Readable]>().toBeArray()
    expectTypeOf<[ReplicaStatus, ServedSnapshot, SnapshotPart, SnapshotWish]>().toBeArray()
    expectTypeOf<[WireCode, WireContext, WireMessage, WireStage]>().toBeArray()
    expectTypeOf<[LogLoss, LogSalvage, LossReason, PastDamage, SalvagedFile, SalvageOptions]>().toBeArray()
    expectTypeOf<SalvageProgress>().toBeObject()
  })

  it('is found by its name, and built from the same source', () => {
    const names = JSON.parse(node(`console.log(JSON.stringify(Object.keys(await import('rdbtool'))))`))
    expect(names.sort()).toEqual(Object.keys(library).sort())
  })

  it('has its types beside it, and shows its package.json and nothing else', () => {
    expect(manifest.exports).toEqual({
      '.': {types: './dist/index.d.ts', default: './dist/index.js'},
      './package.json': './package.json',
    })
    for (const path of [...Object.values(manifest.exports['.']), ...Object.values(manifest.bin)] as string[]) {
      expect(existsSync(join(ROOT, path)), path).toBe(true)
    }
    expect(node(`import one from 'rdbtool/package.json' with {type: 'json'}; console.log(one.version)`).trim()).toBe(
      manifest.version,
    )
    const refused = `import('rdbtool/dist/cli/main.js').catch(error => console.log(error.code))`
    expect(node(refused).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  /** Every module that importing `specifier` loads, by either loader. */
  function loadedBy(specifier: string): string[] {
    const hooks = `data:text/javascript,${encodeURIComponent(`
      import {appendFileSync} from 'node:fs'
      export async function load(url, context, next) {
        appendFileSync(${JSON.stringify(join(folder.path, 'loaded'))}, url + '\\n')
        return next(url, context)
      }`)}`
    folder.write('loaded', '')
    const required = node(`
      import {createRequire, register} from 'node:module'
      register(${JSON.stringify(hooks)})
      await import(${JSON.stringify(specifier)})
      console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))`)
    return [...readFileSync(join(folder.path, 'loaded'), 'utf8').split('\n'), ...required.split('\n')].filter(Boolean)
  }

  it('loads no command line, and no dependency at all', () => {
    const loaded = loadedBy('rdbtool')
    expect(loaded.some(url => url.endsWith('/dist/rdb/reader.js'))).toBe(true)
    expect(loaded.filter(url => /node_modules|\/dist\/(bundle|cli|commands|report|jobs)\//.test(url))).toEqual([])
    // The same look does find it where it is loaded.
    const commands = loadedBy(join(ROOT, 'dist/commands/inspect.js'))
    expect(commands.some(url => url.includes('@oclif/core'))).toBe(true)
  })
})

describe('the dependencies', () => {
  it('are these, and the README says why', () => {
    const names = ['@oclif/core', '@oclif/plugin-autocomplete', '@oclif/plugin-help', 'fzstd', 'ora']
    expect(Object.keys(manifest.dependencies)).toEqual(names)
    // What only some commands need is installed by who wants it.
    const wanted = ['@duckdb/node-api']
    expect(manifest.optionalDependencies).toBeUndefined()
    expect(Object.keys(manifest.peerDependencies)).toEqual(wanted)
    expect(wanted.filter(name => manifest.peerDependenciesMeta[name]?.optional !== true)).toEqual([])
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    expect([...names, ...wanted].filter(name => !readme.includes(`\`${name}\``))).toEqual([])
    // One floor of Node, wherever it is said.
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
    expect(lock.packages[''].engines).toEqual(manifest.engines)
    expect(readme).toContain(`Node.js ${manifest.engines.node.replace('>=', '')} or later`)
  })
})

describe('the package', () => {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  )
  const paths: string[] = packed[0].files.map(({path}: {path: string}) => path)

  it('holds what runs, and what explains it', () => {
    expect(paths.filter(path => !path.startsWith('dist/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin/run.js',
      'oclif.manifest.json',
      'package.json',
    ])
    const bundled = ['main.js', 'commands/inspect.js', 'threads/diff-digests.js'].map(path => `dist/bundle/${path}`)
    const needed = ['dist/index.js', 'dist/index.d.ts', 'dist/page/report.html', ...bundled]
    expect(paths).toEqual(expect.arrayContaining(needed))
    expect(paths.filter(path => path.endsWith('kernels.wasm'))).toHaveLength(1)
  })

  it('holds no sources, no tests, nothing that was deleted', () => {
    const odd = paths.filter(
      path => path.startsWith('dist/') && !/\.(js|d\.ts|wasm)$/.test(path) && path !== 'dist/page/report.html',
    )
    expect(odd).toEqual([])
    const orphans = paths
      .filter(path => /^dist\/(?!bundle\/).*\.(js|d\.ts)$/.test(path))
      .filter(path => !existsSync(join(ROOT, path.replace(/^dist/, 'src').replace(/\.(js|d\.ts)$/, '.ts'))))
    expect(orphans).toEqual([])
    const bundle = paths.filter(path => path.startsWith('dist/bundle/'))
    const text = bundle.map(path => readFileSync(join(ROOT, path), 'utf8')).join('\n')
    const unused = bundle.filter(path => path.includes('/shared/') && !text.includes(basename(path)))
    expect(unused).toEqual([])
    expect(packed[0].unpackedSize).toBeLessThan(6_000_000)
  })
})

it('oclif.manifest.json is fresh', () => {
  const copy = folder.path
  for (const path of ['package.json', 'dist', 'bin']) cpSync(join(ROOT, path), join(copy, path), {recursive: true})
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const oclif = join(ROOT, 'node_modules/oclif/bin/run.js')
  execFileSync(process.execPath, [oclif, 'manifest', copy], {cwd: copy, stdio: 'pipe'})
  const read = (root: string): unknown => JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
  expect(read(ROOT)).toEqual(read(copy))
})
