import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../cli/command.js'
import {inputFlags, outputFlags} from '../cli/flags.js'
import {Progress} from '../cli/progress.js'
import {inspect} from '../jobs/inspect.js'
import {formatInventory} from '../report/inventory.js'
import {inventoryJson} from '../report/inventory-json.js'
import {formatText, shorten} from '../report/text.js'
import {nameOf} from '../source/open.js'

const TOP_DEFAULT = 10
const TOP_MAX = 100_000
/** Of the source, in a line of progress. */
const NAME_COLUMNS_MAX = 40

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is inside a snapshot.'
  static override description = [
    'Reads an RDB file of any version, Redis or Valkey, from beginning to end, and shows its producer, age and checksum,',
    'keys and expiries per database, types and encodings, and the biggest keys by their size in the file.',
    '\n\nThe checksum is always verified. On damage the report shows what could be read, the error says where it stopped,',
    'and the exit code is 3.',
  ].join(' ')
  static override args = {
    file: Args.string({
      required: true,
      description: 'RDB file, or - for standard input; gzip and zstd are unpacked.',
      // Standard input is the file itself, never its name.
      ignoreStdin: true,
    }),
  }
  static override flags = {
    top: Flags.integer({
      default: TOP_DEFAULT,
      min: 0,
      max: TOP_MAX,
      description: 'How many of the biggest keys to show.',
      helpValue: 'N',
    }),
    ...inputFlags,
    ...outputFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb.gz --json',
    '$ ssh db1 cat /var/lib/redis/dump.rdb | <%= config.bin %> <%= command.id %> - --top 50',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Inspect)
    const nowMs = flags.now ?? Date.now()
    let progress: Progress | undefined
    const {inventory, failure, ...size} = await inspect(args.file, {
      top: flags.top,
      nowMs,
      ignoreChecksum: flags['ignore-checksum'],
      onOpen: source => {
        progress = new Progress(
          `reading ${shorten(formatText(source.name), NAME_COLUMNS_MAX)}`,
          source,
          flags.quiet,
        ).start()
      },
    }).finally(() => progress?.stop())
    await this.signalsMet()
    if (flags.json) this.printJson(inventoryJson(args.file, inventory, failure))
    else if (inventory !== undefined) {
      const view = {style: this.style, columns: this.columns, nowMs, ...size}
      this.print(formatInventory(nameOf(args.file), inventory, view))
    }
    if (failure !== undefined) this.fail(failure, nameOf(args.file), inventory !== undefined)
  }
}
