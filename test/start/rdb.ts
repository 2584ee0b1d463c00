/** RDB files for one test, from the builder of bytes that the fixtures are made with. */
import {hex, len, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'

/** A string value stored raw. */
export const text = (value: string | Buffer) => ({bytes: str(value), type: 'string', value})

/** An integer value, one byte wide. */
export const integer = (value: number) => ({bytes: hex(0xc0, value), type: 'string', value})

/** A list of the oldest form. */
export const list = (items: readonly string[]) => ({
  bytes: hex(len(items.length), ...items.map(str)),
  type: 'list',
  value: items,
})

/** Keys that each hold one byte, in database 0. */
export function fileOf(keys: readonly (string | Buffer)[]): Buffer {
  const file = new RdbFile('REDIS', 9).db(0)
  for (const key of keys) file.key(0, key, text('v'))
  return file.end()
}

export {RdbFile}
