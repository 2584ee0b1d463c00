/** Statements of SQL, one from the other. */

/** Text in which a semicolon ends nothing: strings, names in quotes, comments, strings between dollars. */
const OPAQUE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(\$\w*\$)[\s\S]*?\1|;/g

/** Each without its semicolon; what is nothing but blanks and comments is none. */
export function statementsIn(sql: string): string[] {
  const found: string[] = []
  let start = 0
  for (const {0: text, index} of sql.matchAll(OPAQUE)) {
    if (text !== ';') continue
    found.push(sql.slice(start, index))
    start = index + 1
  }
  found.push(sql.slice(start))
  return found.map(one => one.trim()).filter(one => one.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim() !== '')
}
