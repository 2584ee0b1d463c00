/**
 * Ranges of slots: how a cluster is divided into shards, and whether every slot has one.
 */
import {SLOT_COUNT} from '../bytes/crc16.js'
import {UsageError} from '../errors.js'

/** Both ends included. */
export type SlotRange = readonly [first: number, last: number]

/** Whatever holds slots. */
interface SlotHolder {
  readonly slots: readonly SlotRange[]
}

/** Which slots no shard has, and which more than one has. */
export function coverage(shards: readonly SlotHolder[]): {missing: SlotRange[]; twice: SlotRange[]} {
  const holders = new Uint16Array(SLOT_COUNT)
  for (const {slots} of shards) {
    for (const [first, last] of slots) for (let slot = first; slot <= last; slot++) holders[slot]!++
  }
  return {missing: rangesWhere(slot => holders[slot] === 0), twice: rangesWhere(slot => holders[slot]! > 1)}
}

/** What is wrong with a coverage, in words; undefined where every slot is covered once. */
export function uncoveredText({missing, twice}: ReturnType<typeof coverage>): string | undefined {
  const told = [
    ...(missing.length > 0 ? [`no shard has ${formatSlots(missing)}`] : []),
    ...(twice.length > 0 ? [`more than one has ${formatSlots(twice)}`] : []),
  ]
  return told.length === 0 ? undefined : told.join('; ')
}

/** The slots that something is true of, as ranges. */
export function rangesWhere(holds: (slot: number) => boolean): SlotRange[] {
  const ranges: SlotRange[] = []
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (!holds(slot)) continue
    const first = slot
    while (slot + 1 < SLOT_COUNT && holds(slot + 1)) slot++
    ranges.push([first, slot])
  }
  return ranges
}

/** `0-5460, 5462` */
export function formatSlots(ranges: readonly SlotRange[]): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ')
}

export function countSlots(ranges: readonly SlotRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/**
 * All slots in so many ranges, as `redis-cli --cluster create` gives them to as many masters: it adds up in floats of 32 bits
 * and rounds to the nearest (redis 7.0 redis-cli.c clusterManagerCommandCreate; valkey-cli does the same).
 */
export function evenSlots(shards: number): SlotRange[] {
  if (!Number.isInteger(shards) || shards < 1 || shards > SLOT_COUNT) {
    throw new UsageError(`${shards} is no number of shards: there are ${SLOT_COUNT} slots, so give 1 to ${SLOT_COUNT}`)
  }
  const each = Math.fround(SLOT_COUNT / shards)
  const ranges: SlotRange[] = []
  let first = 0
  let cursor = 0
  for (let shard = 1; shard <= shards; shard++) {
    const rounded = Math.round(Math.fround(Math.fround(cursor + each) - 1))
    // From 7,542 shards on the sum is so far off that redis-cli leaves some without a slot.
    const last = shard === shards ? SLOT_COUNT - 1 : Math.min(Math.max(rounded, first), SLOT_COUNT - 1 - shards + shard)
    ranges.push([first, last])
    first = last + 1
    cursor = Math.fround(cursor + each)
  }
  return ranges
}
