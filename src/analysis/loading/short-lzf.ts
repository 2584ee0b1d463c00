/**
 * What a compressed run makes that makes less than it claims: redis up to 6.0
 * takes that. `bytes/lzf.ts` knows only runs that make what they claim.
 */

const LITERALS_END = 32
const LONG_RUN = 7

/** Undefined where an operation is wrong by itself, or makes more than `outBytes`. */
export function shortLzf(bytes: Uint8Array, start: number, end: number, outBytes: number): Uint8Array | undefined {
  const out = new Uint8Array(Math.min(outBytes, (end - start) * 88 + 264))
  let made = 0
  for (let p = start; p < end; ) {
    const control = bytes[p++]!
    if (control < LITERALS_END) {
      const run = control + 1
      if (made + run > outBytes || p + run > end) return undefined
      out.set(bytes.subarray(p, p + run), made)
      p += run
      made += run
      continue
    }
    let run = control >> 5
    if (p >= end) return undefined
    if (run === LONG_RUN) {
      run += bytes[p++]!
      if (p >= end) return undefined
    }
    let from = made - ((control & 0x1f) << 8) - 1 - bytes[p++]!
    run += 2
    if (made + run > outBytes || from < 0) return undefined
    for (; run > 0; run--) out[made++] = out[from++]!
  }
  return out.subarray(0, made)
}
