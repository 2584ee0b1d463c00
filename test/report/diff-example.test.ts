/** Differences in words: of long values the part where they begin to differ. */
import {expect, it} from 'vitest'
import {LargestDifferences} from '../../src/analysis/largest-differences.js'
import {diff} from '../../src/jobs/diff.js'
import {differenceText} from '../../src/report/diff-example.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()

async function wordsOf(type: string, before: unknown, after: unknown): Promise<string> {
  const [one, other] = [before, after].map((value, i) =>
    folder.write(`${i}.jsonl`, `{"meta":{}}\n${JSON.stringify({db: 0, key: 'k', type, value})}\n`),
  )
  const sink = new LargestDifferences(1)
  await diff(one!, other!, {sink})
  return differenceText(sink.largest[0]!)
}

const long = (at: string): string => 'a'.repeat(70_000) + at + 'a'.repeat(50_000)

it('shows short values whole', async () => {
  expect(await wordsOf('string', 'one', 'other')).toBe('value: "one" → "other"')
  expect(await wordsOf('hash', [['f', 'v']], [['f', 'w']])).toBe('1 field: f "v" → "w"')
})

it('shows long ones where they begin to differ, and says where that is', async () => {
  const [one, other] = [long('X'), long('Y')]
  const part = (letter: string): string => `"…aaaaaa${letter}aaaaaaaaaaaaaaaaaaaaaaaa…" (120,001 bytes)`
  const words = `at byte 70,000 ${part('X')} → ${part('Y')}`
  expect(await wordsOf('string', one, other)).toBe(`value: ${words}`)
  expect(await wordsOf('hash', [['f', one]], [['f', other]])).toBe(`1 field: f ${words}`)
  expect(await wordsOf('list', [one], [other])).toBe(`1 item: 0 ${words}`)
})

it('begins with a whole character, and shows where the shorter one ends', async () => {
  const same = 'é'.repeat(40)
  expect(await wordsOf('string', same, `${same}!`)).toBe('value: at byte 80 "…ééé" (80 bytes) → "…ééé!" (81 bytes)')
  expect(await wordsOf('string', '', 'x'.repeat(100))).toBe(`value: "" → "${'x'.repeat(31)}…" (100 bytes)`)
})
