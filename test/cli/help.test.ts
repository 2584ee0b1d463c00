/** What the program says about itself: golden, so that a change is a decision. */
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {BIN, environment, ROOT, rdbtool} from '../start/run.js'

const {name, version} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const VERSION = `${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`

const MAIN_HELP = `Look into, prove, convert, compare, repair and fetch the data of Redis and Valkey: RDB snapshots, append-only files and the replication stream.

VERSION
  ${VERSION}
USAGE
  $ rdbtool [COMMAND]

COMMANDS
  aof-log       Show the commands of an append-only log.
  aof-rewrite   Compact an append-only log offline, or take it back to a moment.
  autocomplete  Display autocomplete installation instructions.
  build         Make a snapshot, or a log, of any sources, for any server (also
                called convert).
  check         Verify every byte of a snapshot or a log, and salvage what is
                damaged.
  diff          Tell what differs between two data sets, by meaning.
  dump          Write down what a snapshot holds, as text.
  help          Display help for rdbtool.
  inspect       Show what is inside a snapshot.
  load          Load a snapshot into a running server, or a cluster.
  query         Ask a snapshot in SQL.
  serve         Be the master of real servers: they load any source by
                REPLICAOF.
  sync          Fetch a snapshot from a running server, as its replica.

`

const INSPECT_HELP = `Show what is inside a snapshot.

USAGE
  $ rdbtool inspect FILE... [--by WHAT,...] [--detail] [--top N]
    [--json] [selection flags]

ARGUMENTS
  FILE...  Files of any format, - for standard input, or redis://HOST:PORT; gzip
           and zstd are unpacked.

FLAGS
  --by=WHAT...      Show keys by one thing at a time, with their memory, and how
                    many never expire: by prefix, type, database, time left,
                    last use, size (with the biggest elements), or slot of a
                    cluster.
  --depth=N         Parts that make a prefix: 3 unless told. Implies --detail.
  --[no-]detail     Also show estimated memory, percentiles, when keys expire,
                    when they were used, and prefixes. Takes longer. --json
                    always has them; with --no-detail, of them only the memory.
  --fanout=N        Prefixes with more children are told as one: 1000 unless
                    told. Implies --detail.
  --separator=TEXT  What stands between the parts of a key: : unless told.
                    Implies --detail.
  --server=NAME...  Estimate memory as of this server, such as redis-7.0 or
                    valkey-8.1, and compare it with the one that wrote the file;
                    of several, with the others too. Default, with --detail or
                    --by: the one that wrote the file.
  --since=FILE      Also show how keys and bytes have grown since this older
                    snapshot; with --detail by prefix too.
  --top=N           [default: 10] How many of the biggest keys and prefixes to
                    show.

OUTPUT FLAGS
  -q, --quiet     No progress on standard error.
      --force     Replace the page if it is there already.
      --html=OUT  Also write the report as one HTML page that needs nothing
                  else: prefixes as areas to look into, histograms, tables that
                  sort and filter, warnings with what to do. Implies --detail.
      --json      Print JSON; its names are a contract.

SELECTION FLAGS
  --db=N...            Only keys of this database.
  --expired=RULE       Keys whose expiry has passed, judged against --now: keep,
                       drop or only. Default: keep.
  --match=GLOB...      Only keys that match, as in KEYS of a server: * ? [a-z]
                       [^a-z]; \\ takes the next as it is, \\xHH is a byte.
  --max-bytes=SIZE     Only keys of at most this much estimated memory.
  --min-bytes=SIZE     Only keys of at least this much estimated memory, such as
                       500, 10kb, 5MiB.
  --not-match=GLOB...  No keys that match.
  --regex=RE...        Only keys in which this JavaScript regular expression is
                       found.
  --slot=A-B...        Only keys of these slots of a cluster: one, or a range
                       A-B within 0-16383.
  --ttl=RULE           Only keys with (set) or without (none) an expiry, or with
                       so long to live: lt:30d, gt:1h, or gt:1h,lt:30d.
  --type=T...          Only values of this type: string, list, set, zset, hash,
                       stream, array, module, cron.

INPUT FLAGS
  --ignore-checksum   Report a wrong checksum as a warning and go on.
  --now=TIME          Judge expiries against this moment: ISO 8601, or @SECONDS
                      since 1970. Default: the clock.
  --only-creates      Commands of a file only create, and those of a key stand
                      together, as dump writes them: read them without holding
                      the data set in memory.
  --skip-unsupported  Of a log: leave out commands that cannot be replayed
                      offline (scripts, modules), and tell which.

DESCRIPTION
  Show what is inside a snapshot.

  Reads RDB files of any version, Redis or Valkey, append-only logs (a file, or
  a folder with its manifest), JSON lines and tables (CSV) from beginning to
  end, and shows their producer, age and checksum, keys and expiries per
  database, types and encodings, and the biggest keys by their size in the file;
  with --detail also percentiles, when keys expire and were last used, the
  biggest prefixes, and the memory that the keys would take, estimated. Several
  files get a report each, and one of their sum.

  The checksum is always verified. On damage the report shows what could be
  read, the error says where it stopped, and the exit code is 3.

EXAMPLES
  $ rdbtool inspect dump.rdb

  $ rdbtool inspect dump.rdb.gz --json

  $ rdbtool inspect dump.rdb --detail --match "session:*" --ttl none

  $ rdbtool inspect dump.rdb --by prefix,ttl --depth 2

  $ rdbtool inspect dump.rdb --html report.html

  $ rdbtool inspect dump.rdb --server valkey-9.1 --min-bytes 10MiB --top 50

  $ rdbtool inspect today.rdb --since yesterday.rdb --detail

  $ rdbtool inspect shard-*.rdb --top 50

  $ ssh db1 cat /var/lib/redis/dump.rdb | rdbtool inspect -

`

const CHECK_HELP = `Verify every byte of a snapshot or a log, and salvage what is damaged.

USAGE
  $ rdbtool check FILE [--no-duplicates] [--memory SIZE]
    [--max-problems N] [--threads N] [--ignore-checksum] [--only-creates]
    [--target NAME] [--salvage OUT [--past-damage] [--force]] [--json] [-q]

ARGUMENTS
  FILE  File of any format, append-only folder, - for standard input, or
        redis://HOST:PORT; gzip and zstd are unpacked.

OUTPUT FLAGS
  -q, --quiet  No progress on standard error.
      --json   Print JSON; its names are a contract.

CHECK FLAGS
  --[no-]duplicates  Look for keys that are there twice.
  --max-problems=N   [default: 100] How many problems to list; all are counted.
  --memory=SIZE      Memory that looking for duplicates may take; the rest of it
                     goes to a temporary file. Default: 64mb.
  --target=NAME      What a server will do that starts from the file, such as
                     redis-6.2 or valkey-9.1: load it, leave keys out, refuse it
                     or crash; what is in the way, and what mends it.

SALVAGE FLAGS
  --force        Replace the file that is there, or the folder that a salvage
                 has made.
  --past-damage  Of a log, keep the whole commands behind damage too: those that
                 are in no broken transaction, and for a known database.
  --salvage=OUT  Write what can be saved to a new place: of a snapshot every
                 entry that is sound, wherever it is damaged; of an append-only
                 log what stands before it is torn or damaged, a folder for a
                 folder, a file for a file. What is salvaged is not changed.

INPUT FLAGS
  --ignore-checksum  Report a wrong checksum as a warning and go on.
  --only-creates     Commands of a file only create, and those of a key stand
                     together, as dump writes them: read them without holding
                     the data set in memory.
  --threads=N        Threads that may work at the same time; answers do not
                     depend on it. Default: the cores, from four to eight; one
                     below that.

DESCRIPTION
  Verify every byte of a snapshot or a log, and salvage what is damaged.

  Reads an RDB file of any version, Redis or Valkey, to its last byte: checksum,
  every length, every packed value walked deeply, streams with their groups and
  pending entries, functions, and keys that are there twice. Lists every problem
  with its offset, database, key and type, and goes on behind it where the
  format says where the next key begins. JSON lines and tables (CSV) are
  verified to their end as well: shapes, counts, streams, and what is there
  twice. Append-only logs, a folder, its manifest or a single file, are checked
  file by file without replaying them; the report says what a server does at its
  start. --salvage writes what can be saved of a snapshot or a log to a new
  place.

  An error is what some server refuses, crashes on or misreads; a warning is
  what servers take. The exit code is 0 without errors, 1 with errors, 3 where
  the file is no source at all, 4 where it holds what is not known.

EXAMPLES
  $ rdbtool check dump.rdb

  $ rdbtool check dump.rdb.gz --json | jq .problems

  $ rdbtool check dump.rdb --target redis-7.2

  $ rdbtool check /var/lib/redis/appendonlydir

  $ rdbtool check dump.rdb --salvage saved.rdb

  $ rdbtool check appendonlydir --salvage saved

  $ ssh db1 cat /var/lib/redis/dump.rdb | rdbtool check - --quiet && echo sound

`

describe('help', () => {
  it.each([[[]], [['--help']], [['help']]])('of the program: %j', async args => {
    expect(await rdbtool(args)).toMatchObject({code: 0, stdout: MAIN_HELP, stderr: ''})
  })

  it.each([[['inspect', '--help']], [['help', 'inspect']]])('of inspect: %j', async args => {
    expect(await rdbtool(args)).toMatchObject({code: 0, stdout: INSPECT_HELP, stderr: ''})
  })

  it.each([[['check', '--help']], [['help', 'check']]])('of check: %j', async args => {
    expect(await rdbtool(args)).toMatchObject({code: 0, stdout: CHECK_HELP, stderr: ''})
  })

  it.each([
    ['diff', 'diff BEFORE AFTER'],
    ['dump', 'dump FILE'],
    ['aof-log', 'aof-log [PATH]'],
    ['aof-rewrite', 'aof-rewrite [PATH]'],
    ['build', 'build SOURCE'],
    ['load', 'load SOURCE TARGET'],
    ['query', 'query SOURCE... SQL'],
  ])('of %s fits 80 columns', async (name, usage) => {
    const {code, stdout, stderr} = await rdbtool([name, '--help'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain(`$ rdbtool ${usage}`)
    expect(stdout.split('\n').filter(line => line.length > 80)).toEqual([])
  })

  it('fits 80 columns, but for the one line that says what this is', () => {
    expect((INSPECT_HELP + CHECK_HELP).split('\n').filter(line => line.length > 80)).toEqual([])
    expect(MAIN_HELP.split('\n').filter(line => line.length > 80)).toHaveLength(1)
  })
})

it('the commands are these', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8'))
  expect(Object.keys(manifest.commands)).toEqual([
    'aof-log',
    'aof-rewrite',
    'build',
    'check',
    'diff',
    'dump',
    'inspect',
    'load',
    'query',
    'serve',
    'sync',
  ])
  expect(manifest.version).toBe(version)
})

describe('the version', () => {
  it.each(['--version', '-v', 'version'])('by %s', async arg => {
    expect(await rdbtool([arg])).toEqual({code: 0, signal: null, stdout: VERSION, stderr: ''})
  })

  it.each(['--version', 'version'])('loads nothing but itself for %s', arg => {
    const env = environment({NODE_DEBUG: 'esm,module'})
    const {stdout, stderr} = spawnSync(process.execPath, [BIN, arg], {env, encoding: 'utf8'})
    expect(stdout).toBe(VERSION)
    expect(stderr).toContain('bin/run.js')
    expect(stderr).not.toMatch(/oclif|\/dist\//)
    // The same trace does show it where it is loaded.
    const help = spawnSync(process.execPath, [BIN, '--help'], {env, encoding: 'utf8', maxBuffer: 1 << 28})
    expect(help.stderr).toContain('/dist/bundle/main.js')
  })
})
