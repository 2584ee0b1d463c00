/**
 * The first line of a function library, which a server reads before the rest:
 *
 *   #!<engine> name=<library>\n
 *
 * It refuses to load a file in which one is wrong (redis 7.0 functions.c
 * functionExtractLibMetaData). What the engine makes of the source is not told.
 */

export interface LibraryHead {
  engine: string
  name: string
}

/** No first line is longer. */
const HEAD_BYTES_MAX = 64 * 1024
const LINE = /^#!([^\n]*)\n/
const NAME = /^name=(.*)$/is
/** Servers know no other. */
const ENGINE = 'lua'

/** Reads the head of a library, or says in words what is wrong with it. */
export function parseLibraryHead(source: Uint8Array): LibraryHead | string {
  const text = Buffer.from(source.subarray(0, HEAD_BYTES_MAX)).toString('latin1')
  const line = LINE.exec(text)?.[1]
  if (line === undefined) return 'a function library does not begin with a line #!engine name=...'
  const [engine = '', ...parameters] = line.split(/[ \t\r\v\f\0]+/)
  if (engine.toLowerCase() !== ENGINE)
    return `a function library is for the engine ${JSON.stringify(engine)}, not for Lua`
  const names = parameters.filter(one => one !== '').map(one => NAME.exec(one)?.[1])
  const [name] = names
  if (name === undefined) return 'a function library has no name'
  if (names.length > 1) return 'a function library has more than one name, or something else beside it'
  if (!/^\w+$/.test(name)) return `a function library is called ${JSON.stringify(name)}: letters, digits and _ can be`
  return {engine, name}
}
