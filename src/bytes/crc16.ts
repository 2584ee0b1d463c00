/**
 * CRC-16/XMODEM, and the slot of a cluster that a key belongs to.
 *
 *   slot = CRC16(hashed part of the key) mod 16384
 *
 *   hashed part   foo{user:1}bar    what stands between the first '{' and the first '}' after it,
 *                 ^^^^ ~~~~~~ ^^^^  so that keys of one tag lie together;
 *                 {}foo, {foo, foo  the whole key where there is no such pair, or nothing between
 *
 * Polynomial 0x1021, not reflected, from 0 (redis 7.0 crc16.c, cluster.c
 * keyHashSlot). The npm package cluster-key-slot goes on looking for a tag
 * after an empty one, which no server does: `{}foo}` is its proof.
 */

/** Slots of a cluster: 0 … 16383. */
export const SLOT_COUNT = 16_384

const POLYNOMIAL = 0x1021
const OPEN = 0x7b
const CLOSE = 0x7d

const TABLE = Uint16Array.from({length: 256}, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1
  return crc
})

/** CRC-16/XMODEM of bytes[start, end). */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0
  for (let at = start; at < end; at++) crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ bytes[at]!]!
  return crc
}

/** The slot of the key in bytes[start, end). */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let open = start
  while (open < end && bytes[open] !== OPEN) open++
  let close = open + 1
  while (close < end && bytes[close] !== CLOSE) close++
  const tagged = close < end && close > open + 1
  return (tagged ? crc16(bytes, open + 1, close) : crc16(bytes, start, end)) & (SLOT_COUNT - 1)
}
