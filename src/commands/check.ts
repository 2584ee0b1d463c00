import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../cli/command.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags, segmentFlags} from '../cli/flags.js'
import {SourceProgress} from '../cli/progress.js'
import {parseSize} from '../cli/selection-flags.js'
import {UsageError} from '../errors.js'
import {check} from '../jobs/check.js'
import {type Check as Checked, type CheckOptions, PROBLEMS_MAX} from '../jobs/check-options.js'
import {targetOf} from '../rdb/targets.js'
import {formatProblems} from '../report/problems.js'
import {problemsJson} from '../report/problems-json.js'
import {formatSalvage, salvageJson} from '../report/salvage.js'
import {formatSalvagedBase, formatSnapshotSalvage, snapshotSalvageJson} from '../report/salvage-snapshot.js'
import {formatTarget, targetJson} from '../report/target.js'
import {maskAddress} from '../resp/address.js'
import {nameOf} from '../source/open.js'
import type {SalvageOptions} from '../source/salvage.js'

const PROBLEMS_SHOWN_MAX = 1_000_000
const MEMORY_DEFAULT = '64mb'

export default class Check extends BaseCommand {
  static override summary = 'Verify every byte of a snapshot or a log, and salvage what is damaged.'
  static override description = [
    'Reads an RDB file of any version, Redis or Valkey, to its last byte: checksum, every length, every packed value walked',
    'deeply, streams with their groups and pending entries, functions, and keys that are there twice. Lists every problem',
    'with its offset, database, key and type, and goes on behind it where the format says where the next key begins.',
    'JSON lines and tables (CSV) are verified to their end as well: shapes, counts, streams, and what is there twice.',
    'Append-only logs, a folder, its manifest or a single file, are checked file by file without replaying them; the report',
    'says what a server does at its start. --salvage writes what can be saved of a snapshot or a log to a new place.',
    '\n\nAn error is what some server refuses, crashes on or misreads; a warning is what servers take. The exit code is 0',
    'without errors, 1 with errors, 3 where the file is no source at all, 4 where it holds what is not known.',
  ].join(' ')
  static override usage =
    '<%= command.id %> FILE [--no-duplicates] [--memory SIZE] [--max-problems N] [--threads N] [--ignore-checksum] [--only-creates] [--target NAME] [--salvage OUT [--past-damage] [--force]] [--json] [-q]'
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
    ...segmentFlags,
    'max-problems': Flags.integer({
      default: PROBLEMS_MAX,
      min: 0,
      max: PROBLEMS_SHOWN_MAX,
      description: 'How many problems to list; all are counted.',
      helpGroup: 'CHECK',
      helpValue: 'N',
    }),
    target: Flags.custom<string>({
      description:
        'What a server will do that starts from the file, such as redis-6.2 or valkey-9.1: load it, leave keys out, refuse it or crash; what is in the way, and what mends it.',
      helpGroup: 'CHECK',
      helpValue: 'NAME',
      parse: async text => targetOf(text).name,
    })(),
    salvage: Flags.string({
      description:
        'Write what can be saved to a new place: of a snapshot every entry that is sound, wherever it is damaged; of an append-only log what stands before it is torn or damaged, a folder for a folder, a file for a file. What is salvaged is not changed.',
      helpGroup: 'SALVAGE',
      helpValue: 'OUT',
      exclusive: ['only-creates'],
    }),
    'past-damage': Flags.boolean({
      description:
        'Of a log, keep the whole commands behind damage too: those that are in no broken transaction, and for a known database.',
      helpGroup: 'SALVAGE',
      dependsOn: ['salvage'],
    }),
    force: Flags.boolean({
      description: 'Replace the file that is there, or the folder that a salvage has made.',
      helpGroup: 'SALVAGE',
      dependsOn: ['salvage'],
    }),
    'ignore-checksum': inputFlags['ignore-checksum'],
    'only-creates': logFlags['only-creates'],
    ...outputFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb.gz --json | jq .problems',
    '<%= config.bin %> <%= command.id %> dump.rdb --target redis-7.2',
    '<%= config.bin %> <%= command.id %> /var/lib/redis/appendonlydir',
    '<%= config.bin %> <%= command.id %> dump.rdb --salvage saved.rdb',
    '<%= config.bin %> <%= command.id %> appendonlydir --salvage saved',
    '$ ssh db1 cat /var/lib/redis/dump.rdb | <%= config.bin %> <%= command.id %> - --quiet && echo sound',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Check)
    const progress = new SourceProgress('checking', flags.quiet)
    const problemsMax = flags['max-problems']
    const out = flags.salvage
    // What salvages and what judges are loaded where they are asked for: half of what this command is.
    const judge =
      flags.target === undefined
        ? undefined
        : new (await import('../jobs/check-target.js')).TargetJudge(flags.target, flags.memory)
    const options: CheckOptions = {
      duplicates: flags.duplicates,
      memoryBytes: flags.memory,
      threads: flags.threads,
      problemsMax,
      ignoreChecksum: flags['ignore-checksum'],
      onlyCreates: flags['only-creates'],
      judge,
      ...progress.options(args.file),
    }
    const writing = new SourceProgress('salvaging to', flags.quiet)
    const onOpen: SalvageOptions['onOpen'] = source => {
      progress.stop()
      writing.options(args.file).onOpen(source)
    }
    const salvage = out === undefined ? undefined : {out, force: flags.force, pastDamage: flags['past-damage'], onOpen}
    const checking =
      salvage === undefined
        ? check(args.file, options)
        : (await import('../jobs/check-salvage.js')).checkAndSalvage(args.file, salvage, options)
    const checked = await checking.finally(() => {
      progress.stop()
      writing.stop()
      judge?.close()
    })
    const {soundness, failure} = checked
    // What was typed wrong is no matter of the log.
    if (salvage !== undefined && failure instanceof UsageError) throw failure
    await this.signalsMet(soundness?.checksum === undefined)
    if (flags.json) this.#printJson(args.file, checked, problemsMax)
    else this.#printText(args.file, checked, problemsMax)
    const saved = checked.salvagedSnapshot ?? checked.salvaged?.snapshot
    const isWhole = checked.target === undefined || checked.target.verdict === 'loads'
    if ((soundness?.errors ?? 0) > 0 || (saved?.losses ?? 0) > 0 || !isWhole) process.exitCode = EXIT_FINDINGS
    // What ended the check of a snapshot was no matter for the salvage of what is behind it.
    for (const one of [saved === undefined ? failure : undefined, checked.salvageFailure]) {
      if (one !== undefined) this.fail(one, nameOf(args.file), soundness !== undefined)
    }
  }

  #printJson(file: string, checked: Checked, problemsMax: number): void {
    const {soundness, failure, target, salvaged, salvagedSnapshot, salvageFailure} = checked
    const source = maskAddress(file)
    const found = problemsJson(source, soundness, failure, problemsMax)
    const json = target === undefined ? found : {...found, target: targetJson(source, target, problemsMax)}
    const base = salvaged?.snapshot
    const ofBase = base && {snapshot: snapshotSalvageJson({...base, check: undefined})}
    const isAsked = salvaged !== undefined || salvageFailure !== undefined
    if (salvagedSnapshot !== undefined) this.printJson({...json, salvage: snapshotSalvageJson(salvagedSnapshot)})
    else this.printJson(isAsked ? {...json, salvage: {...salvageJson(salvaged, salvageFailure), ...ofBase}} : json)
  }

  #printText(file: string, {soundness, target, salvaged, salvagedSnapshot}: Checked, problemsMax: number): void {
    const {style, columns} = this
    const isSalvaged = salvaged !== undefined
    if (soundness !== undefined) {
      this.print(formatProblems(nameOf(file), soundness, {style, columns, problemsMax, isSalvaged}))
    }
    if (target !== undefined) {
      const judged = formatTarget(maskAddress(file), target, {style, columns, obstaclesMax: problemsMax})
      this.print(soundness === undefined ? judged : ['', ...judged])
    }
    if (isSalvaged) this.print(['', ...formatSalvage(salvaged, {style, columns})])
    if (salvaged?.snapshot !== undefined) this.print(['', ...formatSalvagedBase(salvaged.snapshot, {style, columns})])
    if (salvagedSnapshot === undefined) return
    this.print(['', ...formatSnapshotSalvage(salvagedSnapshot, soundness, {style, columns})])
  }
}
