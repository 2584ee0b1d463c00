/**
 * Where things lie in the memory that the replay kernel shares with src/resident: the kernel's own in the first 64 MiB,
 * behind them the chunks of the arena. A block's ref times 16 is its address.
 *
 *   ARENA      <seat of the chunk that blocks are cut from> <next unit> <end> <seats> <live units> <free units>
 *   FREE       by class of sizes, the first block that waits
 *   HASH_...   numbers of 64 bits that words of keys are taken times, and what the fingerprints of long ones begin with
 *   DATABASES  by number, what src/resident/byte-table.ts knows of the table of keys, while the kernel runs
 *   SHARD      <number> <count>: which keys are this replay's, of several that share them
 *   NAMES      commands by a hash of their names
 *   FRAMES     commands that are about to be run: where their arguments lie
 *   DIGITS     numbers spelled
 *   WINDOW     a piece of the log
 */

/** Bytes of the kernel's own, of which what is touched is far less. */
export const OWN_BYTES: u32 = 64 * 1024 * 1024

export const ARENA: u32 = 0x10000
export const FREE: u32 = ARENA + 64
export const CLASSES: u32 = 16 + 4 * 19
export const HASH_NUMBERS: u32 = FREE + ((CLASSES * 4 + 63) & ~63)
/** As in src/resident/key-hash.ts: one for the length, 28 for words. */
export const HASH_PLACES: u32 = 29
export const HASH_STATE: u32 = HASH_NUMBERS + 8 * (HASH_PLACES + 1)
export const DATABASES: u32 = (HASH_STATE + 16 + 63) & ~63
export const DATABASES_MAX: u32 = 16
export const DATABASE_BYTES: u32 = 64
export const RESULTS: u32 = DATABASES + DATABASES_MAX * DATABASE_BYTES
export const SHARD: u32 = RESULTS + 32
export const NAMES: u32 = RESULTS + 64
export const NAMES_SLOTS: u32 = 256
export const NAME_BYTES: u32 = 32
export const FRAMES: u32 = NAMES + NAMES_SLOTS * NAME_BYTES
export const FRAMES_MAX: u32 = 64
export const FRAME_BYTES: u32 = 256
export const DIGITS: u32 = FRAMES + FRAMES_MAX * FRAME_BYTES
export const WINDOW: u32 = 0x20000
export const WINDOW_BYTES: u32 = 512 * 1024

if (DIGITS + 64 > WINDOW) ERROR('the layout overlaps the window')

// What a database's table is, in bytes from its place in DATABASES.
/** Address of the first cell; 0: the kernel must not touch this database. */
export const CELLS: u32 = 0
export const CAPACITY: u32 = 4
export const SIZE: u32 = 8
export const LENGTH: u32 = 12
export const USED_SLOTS: u32 = 16
export const EXPIRING: u32 = 20

// What a frame says, in bytes from its place in FRAMES; behind it the arguments, where each begins and ends.
export const FRAME_START: u32 = 0
export const FRAME_END: u32 = 4
export const FRAME_COMMAND: u32 = 8
export const FRAME_ARGC: u32 = 12
export const FRAME_HASH: u32 = 16
export const FRAME_CELL: u32 = 20
export const FRAME_RECORD: u32 = 24
export const FRAME_BLOCK: u32 = 28
/** Commands that were passed over just before it, being for others, and where they begin. */
export const FRAME_PASSED: u32 = 32
export const FRAME_FROM: u32 = 36
export const FRAME_ARGUMENTS: u32 = 40
/** A command of more is left to others. */
export const ARGUMENTS_MAX: u32 = (FRAME_BYTES - FRAME_ARGUMENTS) / 8
