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

/** What was found, as plain data. */
export interface Found {
  problems: Problem[]
  counts: ProblemCount[]
}

export class Findings {
  errors = 0
  warnings = 0
  /** The key that is being read, whose problems are to name it. */
  entry: Entry | undefined
  readonly #kept: Record<Severity, FirstProblems>
  #found = 0
  readonly #counts = new Map<string, ProblemCount>()

  /** `keptMax` errors and as many warnings are kept, the first ones by offset; all are counted. */
  constructor(readonly keptMax: number) {
    this.#kept = {error: new FirstProblems(keptMax), warning: new FirstProblems(keptMax)}
  }

  /** Forgets all, for the next thing that is judged by itself. */
  clear(): void {
    this.errors = this.warnings = 0
    this.#kept.error.clear()
    this.#kept.warning.clear()
    this.#counts.clear()
  }

  /** Something about the file as a whole, or about a record that holds no key. */
  inFile(code: string, severity: Severity, offset: number, text: string): void {
    if (this.#count(code, severity, offset)) this.#keep({code, severity, offset, text})
  }

  /** Something about the present key. Returns the problem where it is kept. */
  inEntry(code: string, severity: Severity, offset: number, text: string): Problem | undefined {
    if (!this.#count(code, severity, offset)) return undefined
    const {db, type} = this.entry!
    const problem: Problem = {code, severity, offset, text, db, ...this.entry!.keptKey(this.keptMax), type}
    this.#keep(problem)
    return problem
  }

  /** A problem that somebody else has put together. */
  add(problem: Problem): void {
    const {code, severity, offset} = problem
    if (this.#count(code, severity, offset)) this.#keep(problem)
  }

  /** What others have found of another part of the same input. */
  addFound({problems, counts}: Found): void {
    for (const {code, severity, count} of counts) this.#add(code, severity, count)
    for (const problem of problems) this.#keep(problem)
  }

  /** All, as plain data: for findings of the whole input. */
  found(): Found {
    return {problems: this.kept(), counts: this.counts()}
  }

  /** Those kept, by offset. */
  kept(): Problem[] {
    const {error, warning} = this.#kept
    return [...error.first(), ...warning.first()].sort(inOrder).map(({problem}) => problem)
  }

  /** How many of each code there are: errors first, then the most frequent, then by name. */
  counts(): ProblemCount[] {
    return sortCounts([...this.#counts.values()])
  }

  #keep(problem: Problem): void {
    this.#kept[problem.severity].add(problem, this.#found++)
  }

  /** Whether it is to be kept. */
  #count(code: string, severity: Severity, offset: number): boolean {
    this.#add(code, severity, 1)
    return this.#kept[severity].takes(offset)
  }

  #add(code: string, severity: Severity, count: number): void {
    const name = `${severity} ${code}`
    const known = this.#counts.get(name)
    if (known === undefined) this.#counts.set(name, {code, severity, count})
    else known.count += count
    if (severity === 'error') this.errors += count
    else this.warnings += count
  }
}

/** When one was found, among all of them. */
interface FoundProblem {
  problem: Problem
  order: number
}

/** Of any number of problems those with the lowest offsets; of equal ones, those found first. */
class FirstProblems {
  #problems: FoundProblem[] = []
  /** From here on none is taken. */
  #offsetEnd = Number.POSITIVE_INFINITY

  constructor(readonly max: number) {}

  takes(offset: number): boolean {
    return this.max > 0 && offset < this.#offsetEnd
  }

  add(problem: Problem, order: number): void {
    if (!this.takes(problem.offset)) return
    this.#problems.push({problem, order})
    if (this.#problems.length >= 2 * this.max) this.#cut()
  }

  first(): readonly FoundProblem[] {
    this.#cut()
    return this.#problems
  }

  clear(): void {
    this.#problems.length = 0
    this.#offsetEnd = Number.POSITIVE_INFINITY
  }

  #cut(): void {
    const problems = this.#problems.sort(inOrder).slice(0, this.max)
    this.#problems = problems
    if (problems.length === this.max) this.#offsetEnd = problems.at(-1)?.problem.offset ?? 0
  }
}

function inOrder(a: FoundProblem, b: FoundProblem): number {
  return a.problem.offset - b.problem.offset || a.order - b.order
}

function sortCounts(counts: ProblemCount[]): ProblemCount[] {
  return counts.sort(
    (a, b) =>
      Number(a.severity === 'warning') - Number(b.severity === 'warning') ||
      b.count - a.count ||
      (a.code < b.code ? -1 : 1),
  )
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
