/** Moments as text: UTC, ISO 8601. */
import type {Int64} from './int64.js'

/** Milliseconds since 1970 as `2026-11-24T15:20:12Z`; what no calendar holds, as the number. */
export function formatTime(ms: Int64): string {
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime())) return `@${ms} ms`
  return date.toISOString().replace(/\.000Z$/, 'Z')
}
