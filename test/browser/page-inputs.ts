/** Data sets whose pages are looked at: an ordinary shop, names that mean harm, and very many prefixes. */

export interface Line {
  db?: number
  key: string | {base64: string}
  type: string
  value: unknown
  expireAtMs?: number
}

export function jsonLines(lines: readonly Line[]): string {
  return lines
    .map(line => {
      const {value} = line
      const count = Array.isArray(value) || typeof value === 'string' ? value.length : 0
      const {key, type, db = 0, ...rest} = line
      return `${JSON.stringify({db, key, type, count, ...rest})}\n`
    })
    .join('')
}

/** Sizes and times that differ, without chance. */
export function shop(nowMs: number): Line[] {
  const spread = (i: number, end: number): number => (i * 7919) % end
  return [
    ...Array.from({length: 300}, (_, i) => ({
      key: `session:${i % 10}:${i}`,
      type: 'string',
      value: 's'.repeat(200 + spread(i, 900)),
      expireAtMs: nowMs + (spread(i, 60) - 5) * 3_600_000,
    })),
    ...Array.from({length: 120}, (_, i) => ({
      key: `user:${i}:profile`,
      type: 'hash',
      value: Array.from({length: 3 + spread(i, 20)}, (_, n) => [`field${n}`, 'v'.repeat(10 + spread(n, 50))]),
    })),
    ...Array.from({length: 12}, (_, i) => ({
      key: `board:${['daily', 'weekly'][i % 2]}:${i}`,
      type: 'zset',
      value: Array.from({length: 200 + 50 * i}, (_, n) => [`player${n}`, n]),
    })),
    {db: 3, key: 'export:full', type: 'hash', value: [['body', 'b'.repeat(50_000)]]},
  ]
}

export const SCRIPT = 'window.hacked=1'

/** Each is the name of a key, of a prefix, and of a field. */
export const HOSTILE: readonly (string | {base64: string})[] = [
  `<img src=x onerror=${SCRIPT}>`,
  `</script><script>${SCRIPT}</script>`,
  `<!--<script>${SCRIPT}`,
  `"><svg onload=${SCRIPT}>`,
  `{name|x}{{title}}{{data}}$&$1`,
  'line\u2028and\u2029paragraph',
  'right \u202eto left\u202c, \u2066isolated\u2069',
  '__proto__',
  'constructor',
  'שלום عالم 漢字 🦊',
  `javascript:${SCRIPT}`,
  'n'.repeat(100_000),
  {base64: Buffer.from([0xff, 0xfe, 0x3c, 0x69, 0x6d, 0x67, 0x3e, 0x00, 0x80]).toString('base64')},
]

export function hostile(): Line[] {
  return HOSTILE.flatMap((name, i): Line[] => {
    const bytes = typeof name === 'string' ? Buffer.from(name) : Buffer.from(name.base64, 'base64')
    const below = {base64: Buffer.concat([bytes, Buffer.from(`:${i}:`), bytes]).toString('base64')}
    return [
      {key: name, type: 'string', value: 'v'.repeat(100 * (i + 1))},
      {key: below, type: 'hash', value: [[name, 'w'.repeat(10_000 + i)]]},
    ]
  })
}

/** `groups` prefixes with `each` below them. */
export function manyPrefixes(groups: number, each: number): Line[] {
  return Array.from({length: groups * each}, (_, i) => ({
    key: `group${i % groups}:part${Math.floor(i / groups)}:key`,
    type: 'string',
    value: 'v'.repeat(10 + (i % 300)),
  }))
}
