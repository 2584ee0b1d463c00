/**
 * What the allocator hands out for what is asked: jemalloc's size classes, with
 * which every server is built by default (jemalloc 5.2 sc.h; 64 bits, quantum 16).
 *
 *   8, 16, 32, 48 … 128              steps of 16
 *   160, 192, 224, 256, 320 …        four to every doubling
 *
 * From 5.3.1 on, what is larger than 16 KiB takes whole pages and no more. Servers bring 5.3.0 or older with them; one
 * that is linked against the library of a distribution may have a newer one. INFO memory says which: mem_allocator.
 */

/** Sizes up to this are looked up. */
const TABLE_END = 4096
/** From here on 5.3.1 has no classes (jemalloc sc.h, SC_LARGE_MINCLASS). */
const PAGED_MIN = 16_384
const PAGE = 4096

/** The class of sizes 8i - 7 to 8i, at i. */
const TABLE = Uint16Array.from({length: TABLE_END / 8 + 1}, (_, i) => classOf(8 * i))

/** Bytes that an allocation of this size takes. */
export function allocated(bytes: number, paged = false): number {
  if (bytes <= TABLE_END) return TABLE[(bytes + 7) >> 3]!
  return paged && bytes > PAGED_MIN ? Math.ceil(bytes / PAGE) * PAGE : classOf(bytes)
}

/** The same for a size that is known only on average: what sizes near it take, on average. */
export function allocatedMean(bytes: number, paged = false): number {
  if (Number.isInteger(bytes)) return allocated(bytes, paged)
  const spread = bytes <= 128 ? 8 : bytes / 8
  const least = Math.max(1, bytes - spread)
  const step = (bytes + spread - least) / 4
  let sum = 0
  for (let i = 0; i <= 4; i++) sum += allocated(Math.round(least + i * step), paged)
  return sum / 5
}

/** Whether an allocator, named as INFO memory does (jemalloc-5.3.1), gives large allocations whole pages. */
export function isPaged(allocator: string): boolean {
  const version = /^jemalloc-(\d+)\.(\d+)\.(\d+)/.exec(allocator)
  if (version === null) return false
  const [major, minor, patch] = [Number(version[1]), Number(version[2]), Number(version[3])]
  return major > 5 || (major === 5 && (minor > 3 || (minor === 3 && patch >= 1)))
}

function classOf(bytes: number): number {
  if (bytes <= 0) return 0
  if (bytes <= 8) return 8
  if (bytes <= 128) return Math.ceil(bytes / 16) * 16
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3)
  return Math.ceil(bytes / step) * step
}
