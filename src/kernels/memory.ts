/**
 * The kernels' memory, laid out by hand: 184 pages (11.5 MiB), never grown, since growing detaches every view that was
 * lent out. Nothing is allocated; each area has one user.
 *
 *   RESULTS      what a kernel returns beside its status, four u32
 *   MASKS        swizzle masks and strides for overlapping LZF copies
 *   CRC_TABLES   eight tables of 256 u64
 *   CRC_TAIL     the last 2,312 words of w, then as many zeros: read while a checksum is folded
 *   CRC_CARRY    the last 2,312 words of w of the block before
 *   CRC_BLOCK    the bytes being checked; they lie right behind the carry, so that w[t - k] is one address
 *   LZF_TABLE    where a hash of three bytes was last seen, for the compressor
 *   LZF_INPUT    what is about to be decompressed, compressed or checked at once
 *   LZF_OUTPUT   what the compressor wrote
 *   LZF_OPERATIONS, LZF_WAITING  what an operation is by its first byte; runs to be verified together
 *   LZF_STREAM   8 KiB of history, then one piece of a value that streams
 *   LZF_SLOT_0   a value decompressed whole
 *   LZF_SLOT_1   another, since a field and its value are lent together
 *   WINDOW_0..   windows of sources, each with room in front: their bytes are worked on where they lie
 *   PASSED_...   the sums over records passed together, and where their keys lie
 *   PACKED_...   what a packed node is checked with: keys of a hash drawn for every run, lengths of entries, powers of
 *                ten, masks, integers spelled out, and the tags of the members met
 *   DIGEST_...   what digests are keyed with, what each kind of them begins with, texts on their way, and the answer
 *   JSON_...     how bytes are escaped, what stands in a line around a key, and the consumers of a stream's group
 *   BULK_HEADS   what stands before arguments of commands
 *   STREAM_...   hashes of names, IDs of entries, and where pending entries lie
 *
 * SLACK lies behind every area that 16-byte copies may read or write past.
 */

/** initialMemory and maximumMemory of test/asconfig.json: 184 pages. */
export const MEMORY_BYTES: i32 = 184 * 65536

const SLACK: i32 = 64

// Word distances are at most 2,312: that many words of w are carried from block to block.
export const CRC_CARRY_BYTES: i32 = 2312 * 8
export const CRC_BLOCK_BYTES: i32 = 128 * 1024
/** Of these there are several, so that as many checksums are taken side by side: of what is read and what is written. */
export const CRC_CONTEXT_BYTES: i32 = CRC_CARRY_BYTES + CRC_BLOCK_BYTES
export const CRC_CONTEXTS: i32 = 2

export const LZF_TABLE_BITS: i32 = 14
export const LZF_TABLE_BYTES: i32 = 4 << LZF_TABLE_BITS
export const LZF_INPUT_BYTES: i32 = 512 * 1024
// Literals alone grow by one byte in 32; the rest is for an end that is looked at three bytes early.
export const LZF_OUTPUT_BYTES: i32 = LZF_INPUT_BYTES + LZF_INPUT_BYTES / 32 + 64
export const LZF_HISTORY_BYTES: i32 = 8192
export const LZF_PIECE_BYTES: i32 = 256 * 1024
export const LZF_SLOT_BYTES: i32 = 512 * 1024

/** Compressed runs that wait to be verified side by side. */
export const LZF_WAITING_MAX: i32 = 256
export const LZF_WAITING_BYTES: i32 = 3 * 4

export const STREAM_NAMES_MAX: i32 = 64
/** Arguments shorter than this have their heads spelled, eight bytes each. */
export const BULK_HEADS_MAX: i32 = 512

/** More than fit the output as commands. */
export const STREAM_IDS_MAX: i32 = 4096
export const STREAM_ROWS_MAX: i32 = 2048

export const PACKED_KEYS_BYTES: i32 = 48
/** Each takes 16 bytes in the largest table. */
export const PACKED_MEMBERS_MAX: i32 = 16384

export const PASSED_SUM_BYTES: i32 = 5 * 8
export const PASSED_SUMS_LENGTH: i32 = 32 * 4 * 5
export const PASSED_KEYS_MAX: i32 = 4096
export const PASSED_KEY_BYTES: i32 = 3 * 4

export const DIGEST_KEYS_BYTES: i32 = 16
/** Kinds of what is digested; src/bytes/digest.ts names them. */
export const DIGEST_TAGS: i32 = 32
export const DIGEST_STATE_BYTES: i32 = 32
/** Two texts on their way to be digested. */
export const DIGEST_TEXT_BYTES: i32 = 16 * 1024
export const DIGEST_MESSAGE_BYTES: i32 = 8 * 1024
/** Ten i32 an entry: fingerprint of its key, where its record lies, its type, its digest, its expiry. */
export const DIGEST_RECORD_BYTES: i32 = 40
export const DIGEST_RECORDS_MAX: i32 = 1024

/** Packed nodes and strings as text. */
export const TEXT_OUT_BYTES: i32 = 192 * 1024

/** Types whose records can be written as JSON have numbers below this. */
export const JSON_TYPES: i32 = 32
export const JSON_HEAD_BYTES: i32 = 64
export const JSON_CONSUMERS_MAX: i32 = 64
/** Three i32. */
export const JSON_CONSUMER_BYTES: i32 = 12

/** Two or three for a source; a second source can be open at the same time. */
export const WINDOWS: i32 = 6
/** Room in front of a window for what the last one left unread. */
export const WINDOW_ROOM_BYTES: i32 = 128 * 1024
export const WINDOW_BYTES: i32 = 1024 * 1024
export const WINDOW_STRIDE: i32 = WINDOW_ROOM_BYTES + WINDOW_BYTES + SLACK

export const RESULTS: i32 = 1024
/** Of each context: its checksum, then whether its carry holds words. */
export const CRC_STATES: i32 = RESULTS + 32
export const CRC_STATE_BYTES: i32 = 16
export const MASKS: i32 = RESULTS + 64
export const MASK_STRIDES: i32 = MASKS + 16 * 16
export const CRC_TABLES: i32 = 2048
export const CRC_TAIL: i32 = CRC_TABLES + 8 * 256 * 8
export const CRC_CARRY: i32 = CRC_TAIL + 2 * CRC_CARRY_BYTES
export const CRC_BLOCK: i32 = CRC_CARRY + CRC_CARRY_BYTES
export const LZF_TABLE: i32 = CRC_CARRY + CRC_CONTEXTS * CRC_CONTEXT_BYTES
export const LZF_INPUT: i32 = LZF_TABLE + LZF_TABLE_BYTES
export const LZF_OUTPUT: i32 = LZF_INPUT + LZF_INPUT_BYTES + SLACK
export const LZF_STREAM: i32 = LZF_OUTPUT + LZF_OUTPUT_BYTES + SLACK
export const LZF_SLOT_0: i32 = LZF_STREAM + LZF_HISTORY_BYTES + LZF_PIECE_BYTES + SLACK
export const LZF_SLOT_1: i32 = LZF_SLOT_0 + LZF_SLOT_BYTES + SLACK
export const PACKED_KEYS: i32 = LZF_SLOT_1 + LZF_SLOT_BYTES + SLACK
export const PACKED_SIZES: i32 = PACKED_KEYS + PACKED_KEYS_BYTES
export const PACKED_POWERS: i32 = PACKED_SIZES + 256
export const MASKS_16: i32 = PACKED_POWERS + 23 * 8
export const PACKED_DIGITS: i32 = MASKS_16 + 32
export const PACKED_TABLE: i32 = (PACKED_DIGITS + 2 * 32 + SLACK + 63) & ~63
/** By type byte below 32 and, of strings, encoding: keys, elements, bytes, those expiring, those expired. */
export const PASSED_SUMS: i32 = PACKED_TABLE + PACKED_MEMBERS_MAX * 16 + SLACK
/** Three i32 a key: where its record, its bytes and its value begin. */
export const PASSED_KEYS: i32 = PASSED_SUMS + PASSED_SUMS_LENGTH * 8
export const LZF_OPERATIONS: i32 = PASSED_KEYS + PASSED_KEYS_MAX * PASSED_KEY_BYTES
/** Three i32 a run: where it begins and ends, and how many bytes it is to make. */
export const LZF_WAITING: i32 = LZF_OPERATIONS + 256 * 4
/** Hashes of the names of a stream's groups, then of those of a group's consumers. */
export const STREAM_NAMES: i32 = (LZF_WAITING + LZF_WAITING_MAX * LZF_WAITING_BYTES + 7) & ~7
export const WINDOW_0: i32 = (STREAM_NAMES + 2 * 8 * STREAM_NAMES_MAX + 63) & ~63
export const TEXT_OUT: i32 = WINDOW_0 + WINDOWS * WINDOW_STRIDE
export const DIGEST_KEYS: i32 = (TEXT_OUT + TEXT_OUT_BYTES + SLACK + 63) & ~63
/** The fingerprint of a key (high, low), then the digest of its entry: six u32. */
export const DIGEST_OUT: i32 = DIGEST_KEYS + DIGEST_KEYS_BYTES
export const DIGEST_STATES: i32 = DIGEST_OUT + 32
export const DIGEST_STATE: i32 = DIGEST_STATES + DIGEST_TAGS * DIGEST_STATE_BYTES
export const DIGEST_KEY_STATE: i32 = DIGEST_STATE + DIGEST_STATE_BYTES
export const DIGEST_LANE: i32 = DIGEST_KEY_STATE + DIGEST_STATE_BYTES
export const DIGEST_HELD: i32 = DIGEST_LANE + DIGEST_STATE_BYTES
export const DIGEST_MESSAGE: i32 = DIGEST_HELD + 16
export const DIGEST_TEXT_0: i32 = DIGEST_MESSAGE + DIGEST_MESSAGE_BYTES + SLACK
export const DIGEST_TEXT_1: i32 = DIGEST_TEXT_0 + DIGEST_TEXT_BYTES + SLACK
export const DIGEST_RECORDS: i32 = DIGEST_TEXT_1 + DIGEST_TEXT_BYTES + SLACK
/** What stands for a byte in a string of JSON; then the alphabet of base64. */
export const JSON_ESCAPES: i32 = DIGEST_RECORDS + DIGEST_RECORDS_MAX * DIGEST_RECORD_BYTES + SLACK
export const JSON_BASE64: i32 = JSON_ESCAPES + 256
/** The consumers of a group. */
export const JSON_CONSUMERS: i32 = JSON_BASE64 + 64
/** By type byte what stands behind a key, then what stands before one: each a length, then ASCII. */
export const JSON_HEADS: i32 = JSON_CONSUMERS + JSON_CONSUMERS_MAX * JSON_CONSUMER_BYTES
/** The IDs of a stream's entries, 16 bytes each; where the pending ones of a group lie, an i32 each. */
export const STREAM_IDS: i32 = JSON_HEADS + (JSON_TYPES + 1) * JSON_HEAD_BYTES + SLACK
export const STREAM_ROWS: i32 = STREAM_IDS + STREAM_IDS_MAX * 16
export const BULK_HEADS: i32 = STREAM_ROWS + STREAM_ROWS_MAX * 4
export const LAYOUT_END: i32 = BULK_HEADS + BULK_HEADS_MAX * 8 + SLACK

/** Leaves two numbers for the caller: a Uint32Array over RESULTS is cheaper to read than an exported global. */
// @ts-ignore: decorator
@inline
export function leave(first: u32, second: u32): void {
  store<u32>(RESULTS, first)
  store<u32>(RESULTS, second, 4)
}
