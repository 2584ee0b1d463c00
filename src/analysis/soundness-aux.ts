/**
 * What the aux fields of a file may say. Servers ignore those they do not know,
 * and take numbers for granted in those they do.
 */
import {SLOT_COUNT} from '../bytes/crc16.js'

export interface AuxOddity {
  severity: 'warning' | 'error'
  text: string
}

const TEXT_BYTES_MAX = 256
const INTEGER = /^-?\d{1,19}$/
const NUMERIC = new Set([
  'ctime',
  'used-mem',
  'repl-offset',
  'repl-stream-db',
  'aof-base',
  'aof-preamble',
  'mvcc-tstamp',
])
/** Valkey 8; the fourth number is of valkey 9. Read with sscanf("%i,%lu,%lu"): 010 is 8, and 019 is no number. */
const SLOT_HINT = /^\s*([+-]?)(0x[\da-f]+|0[0-7]*|[1-9]\d*),\s*([+-]?\d+),\s*[+-]?\d+/i

export interface SlotHint {
  slot: number
  keys: number
}

/** What is odd about an aux field; undefined where nothing is. */
export function auxOddity(name: string, value: Uint8Array): AuxOddity | undefined {
  if (name === 'slot-info') return slotOddity(parseSlotHint(value))
  if (NUMERIC.has(name) && !INTEGER.test(textOf(value))) return odd(`${name} is no number`)
  if (name === 'redis-bits' && !/^(32|64)$/.test(textOf(value))) return odd('redis-bits is neither 32 nor 64')
  if (name === 'repl-id' && !/^[0-9a-f]{40}$/.test(textOf(value))) return odd('repl-id is not 40 hexadecimal digits')
  return undefined
}

/** What a field slot-info says; undefined where no server can read it. */
export function parseSlotHint(value: Uint8Array): SlotHint | undefined {
  const [, sign, digits, keys] = SLOT_HINT.exec(textOf(value)) ?? []
  if (digits === undefined) return undefined
  const magnitude = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  return {slot: sign === '-' ? -magnitude : magnitude, keys: Number(keys)}
}

/** Valkey ends where it cannot read one, whether it is in a cluster or not (valkey 8.0 rdb.c). */
function slotOddity(hint: SlotHint | undefined): AuxOddity | undefined {
  if (hint === undefined) return {severity: 'error', text: 'slot-info is not slot,keys,expires'}
  const {slot} = hint
  if (slot >= 0 && slot < SLOT_COUNT) return undefined
  return {severity: 'error', text: `slot-info names slot ${slot}; there are ${SLOT_COUNT}`}
}

function odd(text: string): AuxOddity {
  return {severity: 'warning', text}
}

/** What is longer than any number is none. */
function textOf(value: Uint8Array): string {
  return Buffer.from(value.subarray(0, TEXT_BYTES_MAX)).toString('latin1')
}
