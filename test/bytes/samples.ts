/** Bytes to try the checksum and the compression on; the same on every run. */

/** LZF: so many bytes as literal runs. */
export function literals(count: number): Buffer {
  const runs: Buffer[] = []
  for (let left = count, next = 0; left > 0; left -= 32) {
    const run = Math.min(left, 32)
    runs.push(Buffer.from([run - 1, ...Array.from({length: run}, () => (next++ * 37) & 0xff)]))
  }
  return Buffer.concat(runs)
}

/** LZF: one back reference. */
export function reference(distance: number, length: number): Buffer {
  const low = distance - 1
  if (length < 9) return Buffer.from([((length - 2) << 5) | (low >> 8), low & 0xff])
  return Buffer.from([0xe0 | (low >> 8), length - 9, low & 0xff])
}

/** Values short and long, alike and different, that compress and that do not. */
export function samples(): Uint8Array[] {
  const short = [1, 2, 3, 5, 20, 21, 33, 64, 100, 264, 1000].map(length => json(length, length))
  const alike = [6, 60, 300, 8192, 70_000].map(length => new Uint8Array(length).fill(97))
  return [
    ...short,
    ...alike,
    noise(3000, 1),
    json(9000, 1),
    json(300_000, 2),
    json(2_500_000, 2),
    repeated(100_000, 5000),
  ]
}

/** Noise of one period, again and again. */
export function repeated(length: number, period: number): Uint8Array {
  const pattern = noise(period, period)
  return Uint8Array.from({length}, (_, i) => pattern[i % period]!)
}

/** Text as applications keep it. */
export function json(length: number, seed: number): Uint8Array {
  const random = generator(seed)
  const parts: string[] = []
  for (let bytes = 0, id = 0; bytes < length; id++) {
    const tags = ['red', 'green', 'blue', 'large', 'small'].filter(() => random() < 0.4)
    parts.push(
      JSON.stringify({
        id,
        user: `user:${Math.floor(random() * 1e6)}`,
        score: random() * 100,
        tags,
        active: random() < 0.5,
      }),
    )
    bytes += parts.at(-1)!.length
  }
  return Buffer.from(parts.join(',')).subarray(0, length)
}

export function noise(length: number, seed: number): Uint8Array {
  const random = generator(seed)
  return Uint8Array.from({length}, () => random() * 256)
}

/** Random numbers from a seed (Mulberry32). */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
