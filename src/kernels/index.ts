/**
 * The kernels: loops that JavaScript cannot run at the speed of the disk, in
 * AssemblyScript, compiled into one module with fixed memory. One instance
 * per thread; src/bytes/kernel.ts is the only one to load it.
 */
import {LAYOUT_END, MEMORY_BYTES} from './memory'

export {
  CRC_BLOCK,
  CRC_BLOCK_BYTES,
  CRC_CONTEXTS,
  CRC_CONTEXT_BYTES,
  DIGEST_KEYS,
  DIGEST_OUT,
  DIGEST_RECORDS,
  DIGEST_RECORDS_MAX,
  DIGEST_RECORD_BYTES,
  DIGEST_TEXT_0,
  DIGEST_TEXT_1,
  DIGEST_TEXT_BYTES,
  JSON_HEADS,
  JSON_HEAD_BYTES,
  JSON_TYPES,
  LZF_HISTORY_BYTES,
  LZF_INPUT,
  LZF_INPUT_BYTES,
  LZF_OUTPUT,
  LZF_OUTPUT_BYTES,
  LZF_PIECE_BYTES,
  LZF_SLOT_0,
  LZF_SLOT_1,
  LZF_SLOT_BYTES,
  LZF_STREAM,
  PACKED_KEYS,
  PACKED_KEYS_BYTES,
  PASSED_KEYS,
  PASSED_KEYS_MAX,
  PASSED_SUMS,
  PASSED_SUMS_LENGTH,
  RESULTS,
  TEXT_OUT,
  TEXT_OUT_BYTES,
  WINDOW_0,
  WINDOW_BYTES,
  WINDOW_ROOM_BYTES,
  WINDOW_STRIDE,
  WINDOWS,
} from './memory'
export {recordCommands} from './commands'
export {crcBlock, crcFold, crcStart, crcTable} from './crc64'
export {
  digestAdd,
  digestBegin,
  digestDouble,
  digestEnd,
  digestKeyEnd,
  digestPiece,
  digestSeed,
  digestStored,
  digestText,
  digestTextEnd,
  digestTextHead,
  digestValueEnd,
  digestWord,
} from './digest'
export {recordsDigest} from './digest-records'
export {lzfDecode, lzfEncode} from './lzf'
export {recordsForOlder} from './older-records'
export {packedCheck} from './packed'
export {recordsPass} from './records'
export {recordLines} from './json-records'
export {jsonString} from './json-text'
export {jsonListpack} from './json-values'
export {respListpack} from './text'

// Settled while compiling: the memory of test/asconfig.json holds the layout.
if (LAYOUT_END > MEMORY_BYTES) ERROR('the layout is larger than the memory')
