/**
 * The lines that are no keys: where the data comes from, functions, scripts,
 * what modules keep beside their values. Each lies in the window whole.
 */
import type {LentBytes} from '../bytes/lent.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {Members} from './members.js'
import {BRACE, CLOSE, COLON, COMMA, type JsonScanner, OPEN, UNBRACE} from './scanner.js'

/** The first version that is of Valkey's own numbers. */
const VALKEY_VERSION_MIN = 80

export interface OtherLine {
  show: (visitor: EntryVisitor) => void
  origin?: SourceOrigin | undefined
}

type Reader = (scanner: JsonScanner, lent: LentBytes) => OtherLine

const READERS: Readonly<Record<string, Reader>> = {
  meta: readMeta,
  aux: (scanner, lent) => ({show: showAux(readAux(scanner, lent))}),
  auxBytes: (scanner, lent) => {
    scanner.expect(OPEN, '[name, value]')
    const name = copied(scanner, lent, 'the name of an aux field')
    scanner.expect(COMMA, ',')
    const value = copied(scanner, lent, 'the value of an aux field')
    scanner.expect(CLOSE, ']')
    return {show: visitor => visitor.aux?.(Buffer.from(name).toString('utf8'), value, name)}
  },
  script: (scanner, lent) => {
    const text = copied(scanner, lent, 'a script')
    return {show: visitor => visitor.aux?.('lua', text)}
  },
  function: (scanner, lent) => {
    const source = copied(scanner, lent, 'the source of a function library')
    return {show: visitor => visitor.function?.(source)}
  },
  functionPreGa: readFunctionPreGa,
  moduleAux: readModuleAux,
  slotImport: readSlotImport,
}

/** Reads the rest of a line whose one member the last string names; undefined where it names none of these. */
export function readOther(scanner: JsonScanner, lent: LentBytes): OtherLine | undefined {
  const name = Object.keys(READERS).find(one => scanner.is(one))
  if (name === undefined) return undefined
  scanner.expect(COLON, ':')
  const line = READERS[name]!(scanner, lent)
  scanner.expect(UNBRACE, `} behind the only member "${name}"`)
  return line
}

function copied(scanner: JsonScanner, lent: LentBytes, what: string): Uint8Array {
  scanner.bytes(lent, what)
  return lent.copy()
}

function readMeta(scanner: JsonScanner, lent: LentBytes): OtherLine {
  const members = new Members(scanner, ['product', 'serverVersion', 'rdbVersion', 'aux'], '"meta"')
  scanner.expect(BRACE, 'the value of "meta": {')
  members.locate(true)
  const rdbVersion = members.goTo('rdbVersion') ? scanner.count('rdbVersion') : undefined
  const text = (name: 'product' | 'serverVersion'): string | undefined => {
    if (!members.goTo(name) || scanner.takesNull()) return undefined
    scanner.string(name)
    return scanner.text(lent)
  }
  const product = text('product')
  const serverVersion = text('serverVersion')
  const aux = members.goTo('aux') ? readAux(scanner, lent) : []
  scanner.cursor.pos = members.end
  const family = rdbVersion !== undefined && rdbVersion >= VALKEY_VERSION_MIN ? 'valkey' : 'redis'
  return {
    show: showAux(aux),
    origin: rdbVersion === undefined ? undefined : {family, rdbVersion, product, serverVersion},
  }
}

function readAux(scanner: JsonScanner, lent: LentBytes): [name: string, value: Uint8Array][] {
  const fields: [string, Uint8Array][] = []
  scanner.expect(BRACE, 'aux fields: {')
  while (scanner.more(fields.length === 0, UNBRACE)) {
    scanner.string('the name of an aux field')
    const name = scanner.text(lent)
    scanner.expect(COLON, ':')
    fields.push([name, copied(scanner, lent, 'the value of an aux field')])
  }
  return fields
}

function showAux(fields: [name: string, value: Uint8Array][]): OtherLine['show'] {
  return visitor => {
    for (const [name, value] of fields) visitor.aux?.(name, value)
  }
}

function readFunctionPreGa(scanner: JsonScanner, lent: LentBytes): OtherLine {
  const members = new Members(scanner, ['name', 'engine', 'code'], '"functionPreGa"')
  scanner.expect(BRACE, 'the value of "functionPreGa": {')
  members.locate(true)
  const [name, engine, code] = (['name', 'engine', 'code'] as const).map(one => {
    members.require(one)
    return copied(scanner, lent, one)
  })
  scanner.cursor.pos = members.end
  return {show: visitor => visitor.functionPreGa?.(name!, engine!, code!)}
}

function readModuleAux(scanner: JsonScanner, lent: LentBytes): OtherLine {
  const members = new Members(scanner, ['module', 'version', 'when', 'base64'], '"moduleAux"')
  scanner.expect(BRACE, 'the value of "moduleAux": {')
  members.locate(true)
  members.require('module')
  scanner.string('the name of the module')
  const module = scanner.text(lent)
  members.require('version')
  const version = scanner.count('version')
  members.require('when')
  const when = scanner.count('when')
  members.require('base64')
  scanner.base64(lent)
  const payload = lent.copy()
  scanner.cursor.pos = members.end
  return {show: visitor => visitor.moduleAux?.({module, version, when, payload})}
}

function readSlotImport(scanner: JsonScanner, lent: LentBytes): OtherLine {
  const members = new Members(scanner, ['job', 'ranges'], '"slotImport"')
  scanner.expect(BRACE, 'the value of "slotImport": {')
  members.locate(true)
  members.require('job')
  scanner.string('the name of the job')
  const job = scanner.text(lent)
  members.require('ranges')
  const ranges: [number, number][] = []
  scanner.expect(OPEN, 'ranges of slots: [')
  while (scanner.more(ranges.length === 0, CLOSE)) {
    scanner.expect(OPEN, '[first, last]')
    const first = scanner.count('a slot')
    scanner.expect(COMMA, ',')
    ranges.push([first, scanner.count('a slot')])
    scanner.expect(CLOSE, ']')
  }
  scanner.cursor.pos = members.end
  return {show: visitor => visitor.slotImport?.(job, ranges)}
}
