/** Keys, values and numbers for random commands: few keys, so that commands meet each other. */
import type {Draw} from './draw.js'

export type Arg = string | Uint8Array
export type Command = Arg[]
export type Family = Readonly<Record<string, (draw: Draw) => Command>>

/** Far enough that nothing expires while a test runs. */
const EXPIRES_FROM_MS = 4_000_000_000_000

export const TYPES = ['s', 'b', 'l', 'h', 'f', 'z', 'x', 'p', 'g', 't'] as const

/** A key that mostly holds what its first letter says. */
export function key(draw: Draw, letter: (typeof TYPES)[number]): string {
  return `${draw.percent(97) ? letter : draw.pick(TYPES)}:${draw.below(6)}`
}

export function anyKey(draw: Draw): string {
  return key(draw, draw.pick(TYPES))
}

export function member(draw: Draw): Arg {
  const kind = draw.below(20)
  if (kind < 12) return `m${draw.below(draw.percent(90) ? 30 : 400)}`
  if (kind < 17) return String(draw.between(-300, 300))
  if (kind === 17) return Uint8Array.from([draw.below(256), 0, 0xff, 13, 10, draw.below(4)])
  return kind === 18 ? '' : 'w'.repeat(draw.pick([63, 64, 65, 70, 300]))
}

export function value(draw: Draw): Arg {
  const kind = draw.below(20)
  if (kind < 8) return String(integer(draw))
  if (kind < 15) return `value ${draw.below(1000)}`
  if (kind === 15) return ''
  if (kind === 16) return Uint8Array.from({length: draw.below(40)}, () => draw.below(256))
  return 'z'.repeat(draw.pick([1, 20, 44, 45, 200, draw.percent(5) ? 20_000 : 2000]))
}

export function integer(draw: Draw): string {
  const kind = draw.below(30)
  if (kind === 0) return draw.pick(['9223372036854775807', '-9223372036854775808', '9223372036854775800', '4294967296'])
  if (kind === 1) return draw.pick(['01', '+1', '1.5', 'abc', ' 1', '-0'])
  return String(kind < 20 ? draw.between(-20, 100) : draw.between(-2_000_000_000, 2_000_000_000))
}

export function index(draw: Draw): string {
  return String(draw.between(-12, 12))
}

/** Minus zero is none: a server forgets its sign when a sorted set becomes small, or not, as it happens. */
export function float(draw: Draw): string {
  const kind = draw.below(20)
  if (kind === 0) return draw.pick(['inf', '-inf', '1e308', '-1e308', '5e-324', '0'])
  if (kind < 8) return String(draw.between(-100, 100))
  if (kind < 14) return (draw.between(-100_000, 100_000) / 100).toString()
  return String((draw.below(1e9) / (draw.below(1e6) + 1)) * (draw.percent(50) ? 1 : -1))
}

export function expireAtMs(draw: Draw): string {
  return String(EXPIRES_FROM_MS + draw.below(1e9))
}

export function expireAtSeconds(draw: Draw): string {
  return String(EXPIRES_FROM_MS / 1000 + draw.below(1e6))
}

/** From now on, and far away. A log has it as a time: what compares has to let the server write it. */
export function expireInSeconds(draw: Draw): string {
  return String(2_000_000_000 + draw.below(1e6))
}

/** None of them, or one. */
export function maybe(draw: Draw, percent: number, ...words: string[]): string[] {
  return draw.percent(percent) ? [draw.pick(words)] : []
}

/** An argument that stands before another, or nothing. */
export function option(draw: Draw, percent: number, make: () => Arg[]): Arg[] {
  return draw.percent(percent) ? make() : []
}

/** A name with whatever case its writer chose. */
export function cased(draw: Draw, name: string): string {
  return draw.percent(90) ? name : draw.percent(50) ? name.toLowerCase() : name[0] + name.slice(1).toLowerCase()
}
