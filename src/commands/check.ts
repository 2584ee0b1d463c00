import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../cli/command.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags} from '../cli/flags.js'
import {SourceProgress} from '../cli/progress.js'
import {parseSize} from '../cli/selection-flags.js'
import {check} from '../jobs/check.js'
import {PROBLEMS_MAX} from '../jobs/check-options.js'
import {formatProblems} from '../report/problems.js'
import {problemsJson} from '../report/problems-json.js'
import {maskAddress} from '../resp/address.js'
import {nameOf} from '../source/open.js'

const PROBLEMS_SHOWN_MAX = 1_000_000
const MEMORY_DEFAULT = '64mb'

export default class Check extends BaseCommand {
  static override summary = 'Verify every byte of a snapshot.'
  static override description = [
    'Reads an RDB file of any version, Redis or Valkey, to its last byte: checksum, every length, every packed value walked',
    'deeply, streams with their groups and pending entries, functions, and keys that are there twice. Lists every problem',
    'with its offset, database, key and type, and goes on behind it where the format says where the next key begins.',
    'JSON lines and tables (CSV) are verified to their end as well: shapes, counts, streams, and what is there twice.',
    'Append-only logs, a folder, its manifest or a single file, are checked file by file without replaying them; the report',
    'says what a server does at its start.',
    '\n\nAn error is what some server refuses, crashes on or misreads; a warning is what servers take. The exit code is 0',
    'without errors, 1 with errors, 3 where the file is no source at all, 4 where it holds what is not known.',
  ].join(' ')
  static override args = {
    file: Args.string({
      required: true,
      description:
        'File of any format, append-only folder, - for standard input, or redis://HOST:PORT; gzip and zstd are unpacked.',
      // Standard input is the file itself, never its name.
      ignoreStdin: true,
    }),
  }
  static override flags = {
    duplicates: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'Look for keys that are there twice.',
      helpGroup: 'CHECK',
    }),
    memory: Flags.custom<number>({
      description: `Memory that looking for duplicates may take; the rest of it goes to a temporary file. Default: ${MEMORY_DEFAULT}.`,
      helpGroup: 'CHECK',
      helpValue: 'SIZE',
      parse: async text => parseSize(text),
    })(),
    'max-problems': Flags.integer({
      default: PROBLEMS_MAX,
      min: 0,
      max: PROBLEMS_SHOWN_MAX,
      description: 'How many problems to list; all are counted.',
      helpGroup: 'CHECK',
      helpValue: 'N',
    }),
    'ignore-checksum': inputFlags['ignore-checksum'],
    'only-creates': logFlags['only-creates'],
    ...outputFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb.gz --json | jq .problems',
    '<%= config.bin %> <%= command.id %> /var/lib/redis/appendonlydir',
    '$ ssh db1 cat /var/lib/redis/dump.rdb | <%= config.bin %> <%= command.id %> - --quiet && echo sound',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Check)
    const progress = new SourceProgress('checking', flags.quiet)
    const problemsMax = flags['max-problems']
    const {soundness, failure} = await check(args.file, {
      duplicates: flags.duplicates,
      memoryBytes: flags.memory,
      problemsMax,
      ignoreChecksum: flags['ignore-checksum'],
      onlyCreates: flags['only-creates'],
      ...progress.options(args.file),
    }).finally(() => progress.stop())
    await this.signalsMet(soundness?.checksum === undefined)
    if (flags.json) this.printJson(problemsJson(maskAddress(args.file), soundness, failure, problemsMax))
    else if (soundness !== undefined) {
      this.print(formatProblems(nameOf(args.file), soundness, {style: this.style, columns: this.columns, problemsMax}))
    }
    if (failure !== undefined) this.fail(failure, nameOf(args.file), soundness !== undefined)
    else if (soundness !== undefined && soundness.errors > 0) process.exitCode = EXIT_FINDINGS
  }
}
