/**
 * A value as named parts of text, so that two of them differ in lines that can be read: a list by positions, a set by
 * members, a hash by fields and their expiries, a sorted set by members and exact scores, a stream by all it keeps.
 * Encodings and orders that mean nothing are not in it.
 */

import {createHash} from 'node:crypto'

/** What a server answers to one command (RESP2). */
// biome-ignore lint/suspicious/noExplicitAny: the shape is that of the command
export type Reply = any

export type Ask = (commands: (string | number | Buffer)[][]) => Promise<Reply[]>

/** The parts of a value by name; `clocks` are those that a server sets to its own time when commands are replayed. */
export interface ValuePrint {
  parts: Map<string, string>
  clocks: Map<string, string>
}

/** More elements than this are told as their number and one hash. */
const NAMED_MAX = 2000
const SHOWN_BYTES_MAX = 64
const FIELDS_PER_CALL = 1000

/** Bytes to be read by people, without loss: long ones by their hash. */
export function show(bytes: Buffer): string {
  if (bytes.length > SHOWN_BYTES_MAX) return `${bytes.length} bytes, sha256 ${sha256(bytes)}`
  let text = ''
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `"${text}"`
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** How the server is asked for a value of that type. */
export async function printValue(ask: Ask, type: string, key: Buffer, fieldsExpire: boolean): Promise<ValuePrint> {
  const one = async (...command: (string | number | Buffer)[]): Promise<Reply> => (await ask([command]))[0]
  const clocks = new Map<string, string>()
  switch (type) {
    case 'string':
      return {parts: new Map([['value', show(await one('GET', key))]]), clocks}
    case 'list':
      return {parts: listParts(await one('LRANGE', key, 0, -1)), clocks}
    case 'set': {
      const members: Buffer[] = await one('SMEMBERS', key)
      return {parts: bounded(members.map(member => [`member ${show(member)}`, 'there'])), clocks}
    }
    case 'hash':
      return {parts: await hashParts(ask, key, fieldsExpire), clocks}
    case 'zset':
      return {parts: zsetParts(await one('ZRANGE', key, 0, -1, 'WITHSCORES')), clocks}
    case 'stream':
      // A count of 0 is all: entries, and pending entries of groups and consumers.
      return printStream(await one('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0))
    case 'vectorset':
      return {parts: await vectorParts(ask, key), clocks}
    default:
      return {parts: new Map([['dump', sha256(await one('DUMP', key))]]), clocks}
  }
}

/** Many parts become one. They must come in an order of their own, or be sorted. */
function bounded(rows: [string, string][], ordered = false): Map<string, string> {
  if (rows.length <= NAMED_MAX) return new Map(rows)
  const lines = rows.map(row => row.join(': '))
  if (!ordered) lines.sort()
  return new Map([['elements', `${rows.length}, sha256 ${sha256(lines.join('\n'))}`]])
}

function listParts(elements: Buffer[]): Map<string, string> {
  return bounded(
    elements.map((element, index) => [`element ${index}`, show(element)]),
    true,
  )
}

/** The doubles as they are: every server prints at least the 17 digits that tell any two apart. */
function zsetParts(flat: Buffer[]): Map<string, string> {
  return bounded(
    pairs(flat).map(([member, text]: [Buffer, Buffer]) => {
      const word = String(text)
      const score = word === 'inf' ? Infinity : word === '-inf' ? -Infinity : Number(word)
      return [`score of ${show(member)}`, Object.is(score, -0) ? '-0' : String(score)]
    }),
  )
}

async function hashParts(ask: Ask, key: Buffer, fieldsExpire: boolean): Promise<Map<string, string>> {
  const rows: [Buffer, Buffer][] = pairs((await ask([['HGETALL', key]]))[0])
  const parts: [string, string][] = rows.map(([field, value]) => [`field ${show(field)}`, show(value)])
  for (let start = 0; fieldsExpire && start < rows.length; start += FIELDS_PER_CALL) {
    const fields = rows.slice(start, start + FIELDS_PER_CALL).map(([field]) => field)
    const [times] = await ask([['HPEXPIRETIME', key, 'FIELDS', fields.length, ...fields]])
    for (const [index, field] of fields.entries()) {
      if (times[index] >= 0) parts.push([`expiry of field ${show(field)}`, String(times[index])])
    }
  }
  return bounded(parts)
}

/** Redis 8: the vectors as they are kept and their attributes. The links between them are built with chance. */
async function vectorParts(ask: Ask, key: Buffer): Promise<Map<string, string>> {
  const [count, dimensions, info] = await ask([
    ['VCARD', key],
    ['VDIM', key],
    ['VINFO', key],
  ])
  const [elements] = await ask([['VRANDMEMBER', key, count]])
  const answers = await ask(
    elements.flatMap((element: Buffer) => [
      ['VEMB', key, element, 'RAW'],
      ['VGETATTR', key, element],
    ]),
  )
  const quantization = String(named(info).get('quant-type'))
  const rows: [string, string][] = [['vectors', `${count} of ${dimensions} dimensions, ${quantization}`]]
  for (const [index, element] of elements.entries()) {
    const raw = answers[index * 2].map((one: Reply) => (Buffer.isBuffer(one) ? sha256(one) : String(one)))
    const attributes = answers[index * 2 + 1]
    rows.push([`vector of ${show(element)}`, raw.join(' ')])
    rows.push([`attributes of ${show(element)}`, attributes === null ? 'none' : show(attributes)])
  }
  return bounded(rows)
}

/** All that XINFO tells, but for what depends on the moment or on the layout in memory: idle times, lag, nodes. */
function printStream(reply: Reply): ValuePrint {
  const full = named(reply)
  const clocks = new Map<string, string>()
  const rows: [string, string][] = full
    .get('entries')
    .map(([id, fields]: [Buffer, Buffer[]]) => [`entry ${id}`, fields.map(show).join(' ')])
  const parts = bounded(rows, true)
  parts.set('length', String(full.get('length')))
  parts.set('last id', String(full.get('last-generated-id')))
  // Before 7.0 a stream does not keep these.
  for (const name of ['entries-added', 'max-deleted-entry-id', 'recorded-first-entry-id']) {
    if (full.has(name)) parts.set(name, String(full.get(name)))
  }
  for (const group of full.get('groups')) printGroup(named(group), parts, clocks)
  return {parts, clocks}
}

function printGroup(group: Map<string, Reply>, parts: Map<string, string>, clocks: Map<string, string>): void {
  const title = `group ${show(group.get('name'))}`
  parts.set(title, 'there')
  parts.set(`${title}: last delivered`, String(group.get('last-delivered-id')))
  if (group.has('entries-read')) parts.set(`${title}: entries read`, String(group.get('entries-read') ?? 'unknown'))
  const pending = group.get('pending').map(([id, consumer, at, deliveries]: Reply[]) => {
    return [`${title}: pending ${id}`, `${show(consumer)}, delivered at ${at}, ${deliveries} times`]
  })
  const elements = bounded(pending, true)
  for (const [name, text] of elements) parts.set(elements.size === pending.length ? name : `${title}: pending`, text)
  for (const reply of group.get('consumers')) {
    const consumer = named(reply)
    const name = `${title}: consumer ${show(consumer.get('name'))}`
    const ids = consumer.get('pending').map(([id]: Reply[]) => String(id))
    parts.set(name, `${ids.length} pending, sha256 ${sha256(ids.join()).slice(0, 16)}`)
    clocks.set(`${name}: seen at`, String(consumer.get('seen-time')))
    if (consumer.has('active-time')) clocks.set(`${name}: active at`, String(consumer.get('active-time')))
  }
}

// biome-ignore lint/suspicious/noExplicitAny: replies
function pairs(flat: any[]): any[] {
  return Array.from({length: flat.length / 2}, (_, index) => [flat[index * 2], flat[index * 2 + 1]])
}

/** Flat name, value, ... replies of RESP2 by name. */
function named(flat: Reply[]): Map<string, Reply> {
  return new Map(pairs(flat).map(([name, value]) => [String(name), value]))
}
