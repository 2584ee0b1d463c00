/** Statements of SQL, one from the other. */

/** Text in which a semicolon ends nothing, whether it has an end itself or not: strings, names in quotes, comments, strings between dollars. */
const OPAQUE =
  /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(\$\w*\$)[\s\S]*?(?:\1|$)|;/g
const COMMENTS = /--[^\n]*|\/\*[\s\S]*?\*\//g

/** Whether there is nothing but blanks and comments. */
const isNothing = (text: string): boolean => text.replace(COMMENTS, '').trim() === ''

/** Where semicolons stand that end statements. */
function endsIn(sql: string): number[] {
  return [...sql.matchAll(OPAQUE)].filter(([text]) => text === ';').map(({index}) => index)
}

/** Each without its semicolon; what is nothing is none. */
export function statementsIn(sql: string): string[] {
  const ends = [...endsIn(sql), sql.length]
  const found = ends.map((end, at) => sql.slice(at === 0 ? 0 : ends[at - 1]! + 1, end))
  return found.filter(one => !isNothing(one)).map(one => one.trim())
}

/** Whether the last statement has its semicolon: of what is typed line by line. */
export function isComplete(sql: string): boolean {
  const end = endsIn(sql).at(-1)
  return end !== undefined && isNothing(sql.slice(end + 1))
}

/** Whether a statement gives rows that can be put into a table; what tells of tables, plans and settings does not. */
export function givesRows(statement: string): boolean {
  return /^(?:SELECT|WITH|FROM|VALUES|TABLE|\()/i.test(statement.replace(COMMENTS, '').trim())
}

/** Whether the order of its rows means something. */
export function isSorted(statement: string): boolean {
  return /\bORDER\s+BY\b/i.test(statement)
}
