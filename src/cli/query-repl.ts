/**
 * Statements typed one after the other, each ended with a semicolon: names of tables, columns and the commonest words of
 * SQL are completed with Tab; Ctrl-C stops what runs, or forgets what was typed; Ctrl-D ends.
 */
import {createInterface} from 'node:readline/promises'
import {SQL_TYPES, TABLES, type TableName} from '../query/columns.js'
import {isComplete} from '../query/statements.js'

const WORDS =
  'SELECT FROM WHERE GROUP BY ORDER LIMIT HAVING COUNT SUM AVG MIN MAX DESC ASC DISTINCT JOIN USING ON AND OR NOT NULL IS LIKE ILIKE IN BETWEEN CASE WHEN THEN ELSE END AS WITH UNION ALL'
const PROMPT = 'rdbtool> '
const MORE = '    ...> '

const HELP = [
  '.tables         the tables and their columns',
  '.help           this',
  '.quit           ends, as Ctrl-D does',
  'SELECT ... ;    a statement may take several lines',
]

export interface Statements {
  run(sql: string): Promise<void>
  /** Stops the statement that runs. */
  interrupt(): void
  print(line: string): void
  /** Shows what a statement failed with. */
  fail(error: unknown): void
}

/** Names and words that what was typed last may become. */
export function completions(line: string): [hits: string[], typed: string] {
  const typed = /[\w.]*$/.exec(line)?.[0] ?? ''
  const names = Object.entries(TABLES).flatMap(([table, columns]) => [table, ...columns.map(({name}) => name)])
  const commands = HELP.map(text => text.split(' ')[0]!).filter(word => word.startsWith('.'))
  const all = [...new Set([...names, ...WORDS.split(' '), ...commands])]
  if (/\b(?:FROM|JOIN)\s+\w*$/i.test(line)) return [Object.keys(TABLES).filter(table => table.startsWith(typed)), typed]
  return [all.filter(word => typed !== '' && word.toLowerCase().startsWith(typed.toLowerCase())), typed]
}

export async function readStatements(statements: Statements): Promise<void> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    completer: completions,
    prompt: PROMPT,
    historySize: 1000,
  })
  let typed = ''
  let running = false
  const ask = (): void => {
    lines.setPrompt(typed === '' ? PROMPT : MORE)
    lines.prompt()
  }
  lines.on('SIGINT', () => {
    if (running) {
      statements.interrupt()
      return
    }
    typed = ''
    statements.print('')
    ask()
  })
  ask()
  for await (const line of lines) {
    if (typed === '' && line.trim().startsWith('.')) {
      if (/^\.(quit|exit)\b/.test(line.trim())) break
      for (const text of answerTo(line.trim())) statements.print(text)
    } else {
      typed += `${line}\n`
      if (isComplete(typed)) {
        const sql = typed
        typed = ''
        running = true
        await statements.run(sql).catch(error => statements.fail(error))
        running = false
      }
      if (typed.trim() === '') typed = ''
    }
    ask()
  }
  lines.close()
}

function answerTo(command: string): readonly string[] {
  if (command === '.tables') return tablesText()
  return command === '.help' ? HELP : [`there is no ${command}; what there is:`, ...HELP]
}

/** Tables and columns, and what these are. */
function tablesText(): string[] {
  return (Object.keys(TABLES) as TableName[]).flatMap(table => [
    table,
    ...TABLES[table].map(({name, kind, about}) => `  ${name.padEnd(15)}${SQL_TYPES[kind].padEnd(11)}${about}`),
  ])
}
