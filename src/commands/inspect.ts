import {Args, Flags} from '@oclif/core'
import {BaseCommand, styleOf} from '../cli/command.js'
import {exitCodeOf} from '../cli/exit.js'
import {inputFlags, outputFlags} from '../cli/flags.js'
import {Progress} from '../cli/progress.js'
import {inspect} from '../jobs/inspect.js'
import {formatFailure} from '../report/failure.js'
import {formatInventory} from '../report/inventory.js'
import {inventoryJson} from '../report/inventory-json.js'
import {openSource} from '../source/open.js'

const TOP_DEFAULT = 10
const TOP_MAX = 100_000

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is inside a snapshot.'
  static override description = `Reads an RDB file of any version, Redis or Valkey, from beginning to end and shows its
producer, age and checksum, keys and expiries per database, types and encodings,
and the biggest keys by their size in the file.

The checksum is always verified. On damage the report shows what could be read,
the error says where it stopped, and the exit code is 3.`
  static override args = {
    file: Args.string({required: true, description: 'RDB file, or - for standard input; gzip and zstd are unpacked.'}),
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
    'cat dump.rdb | <%= config.bin %> <%= command.id %> - --top 50',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Inspect)
    const source = await openSource(args.file)
    const nowMs = flags.now ?? Date.now()
    const progress = new Progress(`reading ${source.name}`, source, flags.quiet).start()
    const {inventory, failure} = await inspect(source, {
      top: flags.top,
      nowMs,
      ignoreChecksum: flags['ignore-checksum'],
    }).finally(() => progress.stop())
    if (flags.json) this.printJson(inventoryJson(args.file, inventory, failure))
    else if (inventory !== undefined) {
      this.print(formatInventory(args.file, inventory, {style: this.style, columns: this.columns, nowMs}))
    }
    if (failure === undefined) return
    this.logToStderr(formatFailure(failure, args.file, styleOf(process.stderr)).join('\n'))
    process.exitCode = exitCodeOf(failure)
  }
}
