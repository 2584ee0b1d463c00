/**
 * Records that are no keys, as they are written; other-records.ts reads them.
 */
import type {ByteWriter} from '../bytes/writer.js'
import {writeLength} from '../encoding/length.js'
import {writeString} from '../encoding/string.js'
import type {ModuleAux, SlotInfo} from '../keyspace/visitor.js'
import * as op from './opcodes.js'
import {writeModuleId} from './value/module.js'

/** MODULE_AUX frames `when` as an unsigned item. */
const MODULE_AUX_WHEN = 2

export function writeModuleAux(out: ByteWriter, {module, version, when, payload}: ModuleAux): void {
  out.u8(op.OPCODE_MODULE_AUX)
  writeModuleId(out, module, version)
  writeLength(out, MODULE_AUX_WHEN)
  writeLength(out, when)
  out.copy(payload, 0, payload.length)
}

export function writeHashTemplate(out: ByteWriter, id: number, fields: readonly Uint8Array[], compress: boolean): void {
  out.u8(op.OPCODE_HASH_TEMPLATE)
  writeLength(out, id)
  writeLength(out, fields.length)
  for (const field of fields) writeString(out, field, 0, field.length, compress)
}

export function writeSlotInfo(out: ByteWriter, {slot, keys, expires}: SlotInfo): void {
  out.u8(op.OPCODE_SLOT_INFO)
  for (const length of [slot, keys, expires]) writeLength(out, length)
}

export function writeSlotImport(out: ByteWriter, job: string, ranges: readonly [first: number, last: number][]): void {
  const name = Buffer.from(job, 'latin1')
  out.u8(op.OPCODE_KEY_META_OR_SLOT_IMPORT)
  writeString(out, name, 0, name.length, false)
  writeLength(out, ranges.length)
  for (const range of ranges) for (const slot of range) writeLength(out, slot)
}
