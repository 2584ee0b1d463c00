/** Random streams as servers store them, and some that none would: what is pending may be gone, or be nobody's or two's. */
import fc from 'fast-check'
import {hex, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'

const TYPES = [15, 19, 21]

const names = fc.uniqueArray(fc.string({minLength: 1, maxLength: 20}), {minLength: 1, maxLength: 3})
const texts = fc.oneof(fc.string({maxLength: 70}), fc.integer().map(String), fc.constant('9'.repeat(300)))

const group = fc.record({
  name: fc.string({maxLength: 80}),
  entriesRead: fc.constantFrom(-1, 0, 5),
  consumers: fc.uniqueArray(fc.string({maxLength: 9}), {maxLength: 3}),
  /** Whose each entry is that is pending, by its place; behind the consumers it is nobody's. */
  owners: fc.array(fc.option(fc.nat(3), {nil: undefined}), {maxLength: 30}),
  odd: fc.constantFrom('', '', '', '', '', '', 'gone', 'nobody', 'twice'),
  deliveredAtMs: fc.integer({min: -1, max: 2 ** 50}),
  deliveries: fc.nat(2 ** 31),
})

export const streamRecord: fc.Arbitrary<Uint8Array> = fc
  .record({
    key: fc.string({maxLength: 20}),
    version: fc.constantFrom(1, 2, 2, 3, 3),
    names,
    nodes: fc.array(
      fc.array(fc.record({text: texts, deleted: fc.constantFrom(false, false, false, true)}), {
        minLength: 1,
        maxLength: 12,
      }),
      {
        maxLength: 3,
      },
    ),
    groups: fc.array(group, {maxLength: 2}),
    missing: fc.constantFrom(0, 0, 0, 0, 1),
  })
  .map(({key, version, names, nodes, groups, missing}) => {
    const live: string[] = []
    const entries: [string, string[]][] = []
    const stored = nodes.map((messages, node) => {
      const ms = 1_700_000_000_000 + node * 1000
      messages.forEach(({text, deleted}, i) => {
        const id = `${ms + i}-${i % 3}`
        if (deleted) return
        live.push(id)
        entries.push([id, names.flatMap(name => [name, text])])
      })
      const rows = messages.map(({text, deleted}, i) => ({
        diff: [i, i % 3] as [number, number],
        values: names.map(() => text),
        deleted,
      }))
      return {id: `${ms}-0`, listpack: value.streamNode(names, rows)}
    })
    const built = value.stream(version, {
      nodes: stored,
      entries,
      firstId: live[0] ?? '0-0',
      lastId: '1800000000000-5',
      maxDeletedId: '1700000000001-0',
      entriesAdded: entries.length + 3 - 4 * missing,
      groups: groups.map(one => groupOf(live, one)),
    })
    return hex(TYPES[version - 1]!, str(key), built.bytes)
  })

function groupOf(
  live: readonly string[],
  {name, entriesRead, consumers, owners, odd, deliveredAtMs, deliveries}: Group,
) {
  const pending: [string, number, number, string][] = []
  const of = consumers.map((): string[] => [])
  live.forEach((id, i) => {
    const owner = owners[i]
    if (owner === undefined || (owner >= consumers.length && odd !== 'nobody')) return
    pending.push([id, deliveredAtMs, deliveries, consumers[owner] ?? ''])
    of[owner]?.push(id)
  })
  if (odd === 'gone' && of[0] !== undefined) {
    pending.push(['1799999999999-1', deliveredAtMs, deliveries, consumers[0]!])
    of[0].push('1799999999999-1')
  }
  if (odd === 'twice' && of.length > 1) of[1] = [...of[0]!]
  return {
    name,
    lastId: '5-0',
    entriesRead,
    pending,
    consumers: consumers.map((consumer, i) => ({
      name: consumer,
      seenAtMs: deliveredAtMs,
      activeAtMs: deliveredAtMs,
      pending: of[i]!,
    })),
  }
}

type Group = typeof group extends fc.Arbitrary<infer T> ? T : never
