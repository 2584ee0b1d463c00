import {Args, Flags} from '@oclif/core'
import {type Growth, growthOf} from '../analysis/growth.js'
import {withTop} from '../analysis/inventory-top.js'
import {type InventoryTotal, totalOf} from '../analysis/inventory-total.js'
import {layoutOf} from '../analysis/memory/layout.js'
import {PREFIX_DEFAULTS, PREFIX_DEPTH_MAX} from '../analysis/prefixes.js'
import type {SpreadOptions} from '../analysis/spread.js'
import {FileTarget} from '../bytes/target.js'
import {BaseCommand} from '../cli/command.js'
import {inputFlags, logFlags, outputFlags} from '../cli/flags.js'
import {SourceProgress} from '../cli/progress.js'
import {type SelectionFlags, selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {UsageError} from '../errors.js'
import {type Inspection, type InspectOptions, inspect} from '../jobs/inspect.js'
import {failureJson} from '../report/failure.js'
import {formatGrowth, growthJson} from '../report/growth.js'
import {inspectionPage, PAGE_KEYS} from '../report/inspection-page.js'
import {formatInventory} from '../report/inventory.js'
import {inventoriesJson, inventoryJson, type Json} from '../report/inventory-json.js'
import {formatTotal} from '../report/inventory-total.js'
import {SECTION_NAMES, type SectionName} from '../report/sections.js'
import {formatText} from '../report/text.js'
import {formatSize} from '../report/units.js'
import {nameOf} from '../source/open.js'
import {refuseSource} from '../source/same-file.js'
import {sourcesOf} from '../source/shard-folder.js'

const TOP_DEFAULT = 10
const TOP_MAX = 100_000
const SEPARATOR_DEFAULT = Buffer.from(PREFIX_DEFAULTS.separator).toString()

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is inside a snapshot.'
  static override description = [
    'Reads RDB files of any version, Redis or Valkey, append-only logs (a file, or a folder with its manifest), JSON lines',
    'and tables (CSV) from beginning to end, and shows their producer, age and checksum,',
    'keys and expiries per database, types and encodings, and the biggest keys by their size in the file; with --detail',
    'also percentiles, when keys expire and were last used, the biggest prefixes, and the memory that the keys would',
    'take, estimated. Several files get a report each, and one of their sum.',
    '\n\nThe checksum is always verified. On damage the report shows what could be read, the error says where it stopped,',
    'and the exit code is 3.',
  ].join(' ')
  // Sources are given one after another.
  static override strict = false
  static override usage = '<%= command.id %> FILE... [--by WHAT,...] [--detail] [--top N] [--json] [selection flags]'
  static override args = {
    file: Args.string({
      required: true,
      description: 'Files of any format, - for standard input, or redis://HOST:PORT; gzip and zstd are unpacked.',
      // Standard input is the file itself, never its name.
      ignoreStdin: true,
    }),
  }
  static override flags = {
    top: Flags.integer({
      default: TOP_DEFAULT,
      min: 0,
      max: TOP_MAX,
      description: 'How many of the biggest keys and prefixes to show.',
      helpValue: 'N',
    }),
    detail: Flags.boolean({
      allowNo: true,
      description:
        'Also show estimated memory, percentiles, when keys expire, when they were used, and prefixes. Takes longer. --json always has them; with --no-detail, of them only the memory.',
    }),
    by: Flags.option({
      options: SECTION_NAMES,
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      description:
        'Show keys by one thing at a time, with their memory, and how many never expire: by prefix, type, database, time left, last use, size (with the biggest elements), or slot of a cluster.',
      helpValue: 'WHAT',
    })(),
    server: Flags.custom<string>({
      description:
        'Estimate memory as of this server, such as redis-7.0 or valkey-8.1, and compare it with the one that wrote the file; of several, with the others too. Default, with --detail or --by: the one that wrote the file.',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      parse: async text => {
        layoutOf(text)
        return text
      },
    })(),
    separator: Flags.string({
      description: `What stands between the parts of a key: ${SEPARATOR_DEFAULT} unless told. Implies --detail.`,
      helpValue: 'TEXT',
    }),
    depth: Flags.integer({
      min: 1,
      max: PREFIX_DEPTH_MAX,
      description: `Parts that make a prefix: ${PREFIX_DEFAULTS.depth} unless told. Implies --detail.`,
      helpValue: 'N',
    }),
    fanout: Flags.integer({
      min: 1,
      description: `Prefixes with more children are told as one: ${PREFIX_DEFAULTS.fanout} unless told. Implies --detail.`,
      helpValue: 'N',
    }),
    html: Flags.string({
      description:
        'Also write the report as one HTML page that needs nothing else: prefixes as areas to look into, histograms, tables that sort and filter, warnings with what to do. Implies --detail.',
      helpValue: 'OUT',
      helpGroup: 'OUTPUT',
    }),
    force: Flags.boolean({
      description: 'Replace the page if it is there already.',
      helpGroup: 'OUTPUT',
      dependsOn: ['html'],
    }),
    since: Flags.string({
      description: 'Also show how keys and bytes have grown since this older snapshot; with --detail by prefix too.',
      helpValue: 'FILE',
    }),
    ...inputFlags,
    ...logFlags,
    ...outputFlags,
    ...selectionFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb.gz --json',
    '<%= config.bin %> <%= command.id %> dump.rdb --detail --match "session:*" --ttl none',
    '<%= config.bin %> <%= command.id %> dump.rdb --by prefix,ttl --depth 2',
    '<%= config.bin %> <%= command.id %> dump.rdb --html report.html',
    '<%= config.bin %> <%= command.id %> dump.rdb --server valkey-9.1 --min-bytes 10MiB --top 50',
    '<%= config.bin %> <%= command.id %> today.rdb --since yesterday.rdb --detail',
    '<%= config.bin %> <%= command.id %> shard-*.rdb --top 50',
    '$ ssh db1 cat /var/lib/redis/dump.rdb | <%= config.bin %> <%= command.id %> -',
  ]

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Inspect)
    // A folder of shards stands for all of them.
    const sources = sourcesOf(argv as string[]).map(({name}) => name)
    const nowMs = flags.now ?? Date.now()
    const options = inspectOptions(flags, nowMs)
    checkSince(flags.since, sources)
    // A name that is taken is refused before anything is read; that of a source, always.
    const named = [...(argv as string[]), ...sources, ...(flags.since === undefined ? [] : [flags.since])]
    if (flags.html !== undefined) refuseSource(flags.html, named)
    const page = flags.html === undefined ? undefined : FileTarget.create(flags.html, {force: flags.force})
    const inspections: Inspection[] = []
    for (const source of sources) {
      const inspection = await this.#inspect(source, options, flags.quiet)
      if (!flags.json) this.#show(inspection, flags, nowMs, inspections.length > 0)
      inspections.push(inspection)
    }
    const counted = inspections.flatMap(({source, inventory, spread}) =>
      inventory === undefined ? [] : [{source: nameOf(source), inventory, spread}],
    )
    const total = sources.length > 1 ? totalOf(counted, options.top) : undefined
    const since = await this.#since(flags.since, inspections[0]!, options, flags.quiet)
    const shown = {total: total && withTop(total, flags.top), since: sinceTop(since, flags.top)}
    const view = {style: this.style, columns: this.columns, nowMs, by: flags.by, top: flags.top}
    if (flags.json) this.#printJson(inspections, shown.total, shown.since, flags)
    else if (shown.total !== undefined) this.print(['', ...formatTotal(shown.total, view)])
    else if (shown.since?.growth !== undefined) {
      this.print(['', ...formatGrowth(shown.since.name, shown.since.growth, view)])
    }
    if (since?.failure !== undefined) this.fail(since.failure, since.name, false)
    if (page !== undefined) await this.#publish(page, inspections, total, since, {nowMs, json: flags.json})
  }

  /** What could be read in part only is on the page, too, which says so. */
  async #publish(
    page: FileTarget,
    inspections: readonly Inspection[],
    total: InventoryTotal | undefined,
    since: Since | undefined,
    {nowMs, json}: {nowMs: number; json: boolean},
  ): Promise<void> {
    const paged = inspections.map(one => ({...one, source: nameOf(one.source)}))
    if (paged.every(({inventory}) => inventory === undefined)) return await page.abandon()
    const growth = since?.growth === undefined ? undefined : {since: since.name, growth: since.growth}
    const told = {version: this.config.version, nowMs, madeAtMs: Date.now(), growth}
    const bytes = inspectionPage(paged, total, told)
    page.write(bytes, 0, bytes.length)
    await page.drain()
    await page.finish()
    if (!json) this.print(['', this.style.faint(`page      ${formatText(page.name)}, ${formatSize(bytes.length)}`)])
  }

  /** What was read in part only says nothing of growth. */
  async #since(
    older: string | undefined,
    later: Inspection,
    options: InspectOptions,
    quiet: boolean,
  ): Promise<Since | undefined> {
    const {inventory, spread} = later
    if (older === undefined || inventory === undefined || later.failure !== undefined) return undefined
    // The memory of both is estimated for one server: else an upgrade would look like growth.
    const memory = inventory.memory === undefined ? undefined : {server: inventory.memory.server}
    const before = await this.#inspect(older, {...options, memory}, quiet)
    const name = nameOf(older)
    if (before.failure !== undefined || before.inventory === undefined) return {name, failure: before.failure}
    const growth = growthOf({inventory: before.inventory, spread: before.spread}, {inventory, spread}, options.top)
    return {name, growth}
  }

  async #inspect(name: string, options: InspectOptions, quiet: boolean): Promise<Inspection> {
    const progress = new SourceProgress('reading', quiet)
    const inspection = await inspect(name, {
      ...options,
      ...progress.options(name),
    }).finally(() => progress.stop())
    await this.signalsMet(inspection.failure !== undefined)
    return inspection
  }

  /** `next`: a report stands above this one. */
  #show(
    {source, inventory, failure, spread: _, ...found}: Inspection,
    {by, top}: {by?: SectionName[] | undefined; top: number},
    nowMs: number,
    next: boolean,
  ): void {
    if (next) this.print([''])
    if (inventory !== undefined) {
      const view = {style: this.style, columns: this.columns, nowMs, by, top, ...found}
      this.print(formatInventory(nameOf(source), withTop(inventory, top), view))
    }
    if (failure !== undefined) this.fail(failure, nameOf(source), inventory !== undefined)
  }

  #printJson(
    inspections: readonly Inspection[],
    total: InventoryTotal | undefined,
    since: Since | undefined,
    {by, top}: {by?: SectionName[] | undefined; top: number},
  ): void {
    const each = inspections.map(({source, inventory, failure, selected}) =>
      inventoryJson(source, inventory && withTop(inventory, top), failure, selected, by),
    )
    this.printJson(total === undefined ? {...each[0], ...sinceJson(since)} : inventoriesJson(each, total, by))
    for (const {source, failure, inventory} of inspections) {
      if (failure !== undefined) this.fail(failure, nameOf(source), inventory !== undefined)
    }
  }
}

/** An older snapshot, and what has changed since; or why nobody knows. */
interface Since {
  name: string
  growth?: Growth
  failure?: unknown
}

function sinceTop(since: Since | undefined, top: number): Since | undefined {
  if (since?.growth?.prefixes === undefined) return since
  return {...since, growth: {...since.growth, prefixes: since.growth.prefixes.slice(0, top)}}
}

function sinceJson(since: Since | undefined): Json {
  if (since === undefined) return {}
  const {name, growth, failure} = since
  return {since: growth === undefined ? {source: name, error: failureJson(failure)} : growthJson(name, growth)}
}

function checkSince(older: string | undefined, sources: readonly string[]): void {
  if (older === undefined) return
  if (sources.length > 1) throw new UsageError('--since compares one source with an older one: give one')
  if (older === '-' && sources[0] === '-')
    throw new UsageError('standard input can be read once: name one of both files')
}

interface InspectFlags extends SpreadFlags, SelectionFlags {
  server?: string[] | undefined
  'ignore-checksum': boolean
  'skip-unsupported': boolean
  'only-creates': boolean
}

/** A page lists more than a screen does. */
function inspectOptions(flags: InspectFlags, nowMs: number): InspectOptions {
  const top = flags.html === undefined ? flags.top : Math.max(flags.top, PAGE_KEYS)
  const spread = spreadOptions(flags, nowMs)
  const [server, ...others] = flags.server ?? []
  const estimates = flags.json || spread !== undefined || server !== undefined
  return {
    top,
    nowMs,
    spread,
    memory: estimates ? {server, elsewhere: server === undefined ? undefined : others} : undefined,
    elements: spread !== undefined,
    ignoreChecksum: flags['ignore-checksum'],
    skipUnsupported: flags['skip-unsupported'],
    onlyCreates: flags['only-creates'],
    selection: selectionOptions(flags, nowMs),
  }
}

interface SpreadFlags {
  top: number
  json: boolean
  html?: string | undefined
  by?: readonly SectionName[] | undefined
  detail?: boolean | undefined
  separator?: string | undefined
  depth?: number | undefined
  fanout?: number | undefined
}

function spreadOptions(flags: SpreadFlags, nowMs: number): SpreadOptions | undefined {
  const {top, json, by, html, separator, depth, fanout} = flags
  // What programs read does not depend on flags, unless they ask for less.
  const detail = flags.detail ?? json
  if (!detail && ![by, html, separator, depth, fanout].some(flag => flag !== undefined)) return undefined
  const prefixes = {
    ...(separator === undefined ? {} : {separator: Buffer.from(separator)}),
    ...(depth === undefined ? {} : {depth}),
    ...(fanout === undefined ? {} : {fanout}),
  }
  return {nowMs, top, prefixes, slots: by?.includes('slot')}
}
