/**
 * What a check found: counted by code, and kept up to a bound of each severity,
 * so that a file with a million problems takes no more memory than one with a
 * hundred.
 */
import type {Entry} from '../keyspace/entry.js'
import type {Problem} from '../keyspace/visitor.js'

export type Severity = Problem['severity']

export interface ProblemCount {
  code: string
  severity: Severity
  count: number
}

export class Findings {
  errors = 0
  warnings = 0
  /** The key that is being read, whose problems are to name it. */
  entry: Entry | undefined
  readonly #kept: Problem[] = []
  #keptErrors = 0
  #keptWarnings = 0
  readonly #counts = new Map<string, ProblemCount>()

  /** `keptMax` errors and as many warnings are kept, the first ones; all are counted. */
  constructor(readonly keptMax: number) {}

  /** Forgets all, for the next thing that is judged by itself. */
  clear(): void {
    this.errors = this.warnings = this.#keptErrors = this.#keptWarnings = 0
    this.#kept.length = 0
    this.#counts.clear()
  }

  /** The problem kept last. */
  get last(): Problem | undefined {
    return this.#kept.at(-1)
  }

  /** Something about the file as a whole, or about a record that holds no key. */
  inFile(code: string, severity: Severity, offset: number, text: string): void {
    if (this.#count(code, severity)) this.#kept.push({code, severity, offset, text})
  }

  /** Something about the present key. Returns the problem where it is kept. */
  inEntry(code: string, severity: Severity, offset: number, text: string): Problem | undefined {
    if (!this.#count(code, severity)) return undefined
    const {db, type} = this.entry!
    const problem: Problem = {code, severity, offset, text, db, ...this.entry!.keptKey(this.keptMax), type}
    this.#kept.push(problem)
    return problem
  }

  /** A problem that somebody else has put together. */
  add(problem: Problem): void {
    if (this.#count(problem.code, problem.severity)) this.#kept.push(problem)
  }

  /** Those kept, by offset. */
  kept(): Problem[] {
    return this.#kept.sort((a, b) => a.offset - b.offset)
  }

  /** How many of each code there are: errors first, then the most frequent. */
  counts(): ProblemCount[] {
    return sortCounts([...this.#counts.values()])
  }

  /** Whether it is to be kept. */
  #count(code: string, severity: Severity): boolean {
    const name = `${severity} ${code}`
    const known = this.#counts.get(name)
    if (known === undefined) this.#counts.set(name, {code, severity, count: 1})
    else known.count++
    if (severity === 'error') {
      this.errors++
      return this.#keptErrors++ < this.keptMax
    }
    this.warnings++
    return this.#keptWarnings++ < this.keptMax
  }
}

function sortCounts(counts: ProblemCount[]): ProblemCount[] {
  return counts.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning') || b.count - a.count)
}

/** What several inputs come to together. */
export function addCounts(parts: readonly ProblemCount[][]): ProblemCount[] {
  const sums = new Map<string, ProblemCount>()
  for (const one of parts.flat()) {
    const name = `${one.severity} ${one.code}`
    const sum = sums.get(name)
    if (sum === undefined) sums.set(name, {...one})
    else sum.count += one.count
  }
  return sortCounts([...sums.values()])
}
