/**
 * Numbers as people read them. Sizes are binary (KiB is 1024 bytes), times are
 * UTC in ISO 8601.
 */
export {formatTime} from '../bytes/time.js'

const SIZE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** 1234567 -> 1,234,567 */
export function formatCount(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Three significant figures and a unit; exact below 1 KiB. */
export function formatSize(bytes: number): string {
  let size = Math.round(bytes)
  if (size < 1024) return `${size} B`
  let unit = -1
  // Rounding must not show 1024 of a unit.
  while (size >= 1023.5 && unit < SIZE_UNITS.length - 1) {
    size /= 1024
    unit++
  }
  const digits = size < 9.995 ? 2 : size < 99.95 ? 1 : 0
  return `${size.toFixed(digits)} ${SIZE_UNITS[unit]}`
}

/** A power of two of bytes, without decimals: 4 KiB. */
export function formatPower(bytes: number): string {
  return formatSize(bytes).replace(/\.0+(?= )/, '')
}

/** A share of a whole, one decimal; `<0.1 %` and `>99.9 %` where it would round to nothing or to everything. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %'
  const percent = (100 * part) / whole
  if (part > 0 && percent < 0.05) return '<0.1 %'
  if (part < whole && percent >= 99.95) return '>99.9 %'
  return `${percent.toFixed(1)} %`
}

/** How much more or less something is than it was: `+12.5 %`, `-3.0 %`. */
export function changeText(before: number, after: number): string {
  if (before === after) return 'the same'
  return `${after < before ? '-' : '+'}${formatShare(Math.abs(after - before), before)}`
}

const DURATION_UNITS = [
  ['year', 31_557_600],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** In words, rounded down, in the largest unit of which there are two: `47 hours`, `3 days`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [unit, size] = DURATION_UNITS.find(([, size]) => whole >= 2 * size) ?? DURATION_UNITS[4]
  const count = Math.floor(whole / size)
  return `${formatCount(count)} ${unit}${count === 1 ? '' : 's'}`
}
