/**
 * What the allocator hands out for what is asked: jemalloc's size classes, with
 * which every server is built by default (jemalloc 5.2 sc.h; 64 bits, quantum 16).
 *
 *   8, 16, 32, 48 … 128              steps of 16
 *   160, 192, 224, 256, 320 …        four to every doubling
 */

/** Sizes up to this are looked up. */
const TABLE_END = 4096

/** The class of sizes 8i - 7 to 8i, at i. */
const TABLE = Uint16Array.from({length: TABLE_END / 8 + 1}, (_, i) => classOf(8 * i))

/** Bytes that an allocation of this size takes. */
export function allocated(bytes: number): number {
  return bytes <= TABLE_END ? TABLE[(bytes + 7) >> 3]! : classOf(bytes)
}

/** The same for a size that is known only on average: what sizes near it take, on average. */
export function allocatedMean(bytes: number): number {
  if (Number.isInteger(bytes)) return allocated(bytes)
  const spread = bytes <= 128 ? 8 : bytes / 8
  const least = Math.max(1, bytes - spread)
  const step = (bytes + spread - least) / 4
  let sum = 0
  for (let i = 0; i <= 4; i++) sum += allocated(Math.round(least + i * step))
  return sum / 5
}

function classOf(bytes: number): number {
  if (bytes <= 0) return 0
  if (bytes <= 8) return 8
  if (bytes <= 128) return Math.ceil(bytes / 16) * 16
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3)
  return Math.ceil(bytes / step) * step
}
