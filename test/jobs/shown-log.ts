/** What aof-log shows, kept to be compared. */
import type {LoggedCommand, LoggedSnapshot} from '../../src/aof/logged.js'
import type {AofLogOptions} from '../../src/jobs/aof-log.js'
import type {Problem} from '../../src/keyspace/visitor.js'

interface Line {
  file: string
  offset: number
  endOffset: number
  db: number
  seconds: number | undefined
  inTransaction: boolean
  args: Buffer[]
  text: string
}

function lineOf({command, file, db, seconds, inTransaction}: LoggedCommand): Line {
  const {bytes, bounds, argc, offset, endOffset} = command
  const args = Array.from({length: argc}, (_, arg) => Buffer.from(bytes.slice(bounds[2 * arg], bounds[2 * arg + 1])))
  return {file, offset, endOffset, db, seconds, inTransaction, args, text: args.join(' ')}
}

export class Shown {
  lines: Line[] = []
  snapshots: LoggedSnapshot[] = []
  problems: Problem[] = []
  pauses = 0

  get texts(): string[] {
    return this.lines.map(({text}) => text)
  }

  options(more: Partial<AofLogOptions> = {}): AofLogOptions {
    return {
      show: () => ({
        command: command => this.lines.push(lineOf(command)),
        snapshot: snapshot => this.snapshots.push(snapshot),
        pause: () => {
          this.pauses++
        },
      }),
      onProblem: problem => this.problems.push(problem),
      ...more,
    }
  }
}
