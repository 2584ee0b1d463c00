/** Random commands: parts that are put together. */
import fc from 'fast-check'
import type {Command} from './beside-server.js'

type Words = fc.Arbitrary<string[]>

export const word = (...words: string[]): fc.Arbitrary<string> => fc.constantFrom(...words)

/** 1 to so many. */
export const some = (what: fc.Arbitrary<string>, maxLength: number): Words => fc.array(what, {minLength: 1, maxLength})

/** Words that stand together. */
export function words(...parts: (fc.Arbitrary<string> | Words | string)[]): Words {
  const given: fc.Arbitrary<string | string[]>[] = parts.map(part =>
    typeof part === 'string' ? fc.constant(part) : part,
  )
  return fc.tuple(...given).map(values => values.flat())
}

/** A command of its parts. */
export const command: (...parts: Parameters<typeof words>) => fc.Arbitrary<Command> = words

/** These, or nothing. */
export const optional = (...parts: Parameters<typeof words>): Words =>
  fc.oneof(fc.constant<string[]>([]), words(...parts))

/** None, one, or several of these, one behind the other. */
export const several = (what: Words, maxLength: number): Words => fc.array(what, {maxLength}).map(all => all.flat())

/** Keys behind their number, which is wrong now and then. */
export const numbered = (keys: Words): Words =>
  fc.oneof(
    {weight: 8, arbitrary: keys.map(all => [String(all.length), ...all])},
    {weight: 1, arbitrary: words(word('0', '-1', '5', 'x'), keys)},
  )
