/** What is kept of a damaged log: up to the damage, and behind it. */
import {describe, expect, it} from 'vitest'
import {commandsOf, EXEC, frame, goodOffsetOf, MULTI, safe, select, survey, written, zeros} from './surveyed-log.js'

const A = frame('SET', 'a', '1')
const B = frame('SET', 'b', '2')
const N = frame('INCR', 'n')

describe('up to the first thing that is wrong', () => {
  const whole = select(0) + A + MULTI + N + B + EXEC + N
  it.each([
    ['nothing is', whole, whole.length],
    ['a torn command', whole + A.slice(0, -1), whole.length],
    ['a transaction without its end', whole + MULTI + N, whole.length],
    ['a torn command in a transaction', whole + MULTI + N + B.slice(0, 4), whole.length],
    ['a torn line', `${whole}#TS:17`, whole.length],
    ['a line that has swallowed a command', `${whole}#TS:17${zeros(20)}\n${A}`, whole.length],
    ['a line that may have swallowed something', `${whole}#T*1\r\n$5\r\nMULTI\r\n${A}`, whole.length],
    ['a time that is none', `${whole}#TS:17x\r\n${A}`, whole.length],
    ['no line that somebody wrote', `${whole}# so it was\n${A}`, whole.length + 12 + A.length],
    ['zeros at the end', whole + zeros(500), whole.length],
    ['garbage at the end', `${whole}+OK\r\n`, whole.length],
    ['an argument too few', whole + frame('SET', 'a'), whole.length],
    ['DISCARD in a transaction', whole + MULTI + N + frame('DISCARD') + EXEC, whole.length],
    [
      'a wrong length that servers read over, and garbage behind it',
      `${whole}${A.slice(0, -6)}2\r\n1\r\n${A}`,
      whole.length,
    ],
    ['a database that is none', whole + frame('SELECT', 'x') + A, whole.length],
    ['what was SELECT once', whole + select(1).replace('SEL', 'SXL') + A, whole.length],
    ['what was MULTI once', whole + MULTI.replace('MUL', 'MXL') + A + EXEC, whole.length],
    ['a name that has swallowed something', `${whole}*2\r\n$6\r\nSELE${MULTI}${A}`, whole.length],
    ['lines that end in LF', whole.replaceAll('\r\n', '\n'), undefined],
    ['a name with a byte changed', whole + A.replace('SET', 'SXT') + A, whole.length],
    ['the same name twice more', whole + A.replace('SET', 'SXT').repeat(3) + A, whole.length],
    ['a name that is there too often for that', whole + A.replace('SET', 'SXT').repeat(4), whole.length + 4 * A.length],
    [
      'a name like that of a command with more arguments',
      `${whole}${frame('SXT', 'a')}${A}`,
      (whole + frame('SXT', 'a') + A).length,
    ],
    ['a name that nobody knows', whole + frame('NOSUCH') + A, (whole + frame('NOSUCH') + A).length],
  ])('%s', async (_, log, bytes = 0) => {
    const found = await survey(log)
    expect(safe(log, found)).toBe(log.slice(0, bytes))
  })

  it('is where the reader says that it is, wherever a log ends', async () => {
    const log = `${select(2)}${A}#TS:1700000000\r\n${MULTI}${N}${EXEC}${N}`
    for (let bytes = 0; bytes <= log.length; bytes++) {
      const cut = log.slice(0, bytes)
      expect(safe(cut, await survey(cut)), `${bytes} bytes`).toBe(log.slice(0, await goodOffsetOf(cut)))
    }
  })
})

describe('behind damage', () => {
  const head = select(0) + A
  const many = A + B + N + A
  it.each([
    ['zeros', head + zeros(100) + many, head + many],
    ['a flipped length', head + B.replace('$3', '$7') + many, head + many],
    ['a length that leads behind the end', head + B.replace('$3', '$300') + many, head + many],
    ['two gaps', head + zeros(30) + many + zeros(30) + many, head + many + many],
    ['too few commands between two gaps', head + zeros(30) + A + zeros(30) + many, head + many],
    ['one command up to the end', head + zeros(30) + A, head + A],
    ['a torn command at the end', head + zeros(30) + many + A.slice(0, 9), head + many],
    ['an argument too few, and no gap', head + frame('SET', 'a') + many, head + many],
    ['an open transaction before', head + MULTI + N + zeros(40) + B + EXEC + many, head + many],
    ['an open transaction before that never ends', head + MULTI + N + zeros(40) + many, head],
    [
      'one that ends in the gap',
      head + MULTI + N + zeros(40) + many + MULTI + N + EXEC,
      head + many + MULTI + N + EXEC,
    ],
    [
      'one that ends in the gap, as a line says',
      `${head}${MULTI}${N}${zeros(40)}${many}#TS:17\r\n${A}`,
      `${head}${many}#TS:17\r\n${A}`,
    ],
    ['the end of a transaction that begins in the gap', head + zeros(40) + B + N + EXEC + many, head + many],
    [
      'one that may span two gaps',
      head + MULTI + N + N + EXEC + zeros(40) + many + zeros(40) + A + EXEC + many,
      head + MULTI + N + N + EXEC + many,
    ],
    [
      'no more commands than a transaction has',
      head + MULTI + N + N + N + EXEC + zeros(40) + many + A.slice(0, 4),
      head + MULTI + N + N + N + EXEC,
    ],
    ['a gap that is too small for MULTI', head + zeros(14) + B + EXEC + many, head + B + EXEC + many],
    ['a small gap that bytes are missing from', head + B.slice(0, 14) + many + select(2) + N, head + select(2) + N],
    ['a small gap that MULTI is missing from', head + B.slice(0, 14) + B + EXEC + many, head + many],
    ['a gap that MULTI fits in', head + zeros(15) + B + EXEC + many, head + many],
    ['another database', head + zeros(40) + many + select(3) + B + N, head + select(3) + B + N],
    ['two databases before', `${select(1)}${A}${head}${zeros(40)}${many}`, `${select(1)}${A}${head}`],
    [
      'two databases before, and a gap that is too small for SELECT',
      `${select(1)}${A}${head}${zeros(22)}${many}`,
      `${select(1)}${A}${head}${many}`,
    ],
    [
      'a transaction that selects',
      `${head}${MULTI}${select(4)}${N}${zeros(9)}${EXEC}${many}`,
      `${head}${select(4)}${many}`,
    ],
    [
      'a transaction that selects in its middle',
      head + zeros(40) + MULTI + A + select(4) + N + EXEC + many,
      head + select(4) + many,
    ],
    [
      'a transaction that selects first',
      head + zeros(40) + MULTI + select(4) + N + EXEC + many,
      head + MULTI + select(4) + N + EXEC + many,
    ],
  ])('%s', async (_, log, kept) => {
    const found = await survey(log)
    expect(written(log, found)).toBe(kept)
    const commands = found.pieces.reduce((sum, one) => sum + one.commands, 0)
    const added = written(log, found).length - found.pieces.reduce((sum, {start, end}) => sum + end - start, 0)
    expect((await commandsOf(kept)).length - (added > 0 ? 1 : 0)).toBe(commands)
  })

  it('commands within an argument are none', async () => {
    const value = frame('SET', 'inner', many.repeat(3))
    const log = head + B.replace('$3', '$x') + value + many
    expect(written(log, await survey(log))).toBe(head + value + many)
    // ... nor are those in the argument of a command whose head is damaged.
    const hurt = head + value.replace('$3', '$x') + many
    expect(written(hurt, await survey(hurt))).toBe(head + many)
  })

  it('is read in windows: arguments and gaps that are longer', async () => {
    const long = frame('SET', 'a', `*1\r\n$4\r\nINCR${'x'.repeat(400_000)}`)
    for (const log of [head + zeros(700_001) + long + N, `${head}*2\r\n$x${long}${zeros(300_000)}${long}${N}`]) {
      const kept = log.slice(log.lastIndexOf(long))
      expect(written(log, await survey(log))).toBe(head + kept)
    }
    const hiding = frame('SET', 'a', 'x'.repeat(400_000) + many)
    const log = head + hiding.replace('*3', '*x') + N.repeat(3)
    expect(written(log, await survey(log))).toBe(head + N.repeat(3))
  })

  it('is found wherever a window of the search ends', async () => {
    for (let bytes = 256 * 1024 - 60; bytes <= 256 * 1024 + 3; bytes++) {
      const log = head + zeros(bytes) + many
      expect(written(log, await survey(log)), `${bytes} bytes`).toBe(head + many)
    }
  })

  it('is not looked for behind a thousand gaps, and not forever where it only seems to be', async () => {
    const log = head + (zeros(30) + many).repeat(1200)
    const found = await survey(log)
    expect(found.pieces.length).toBe(1000)
    expect(found.lost.at(-1)!.offset + found.lost.at(-1)!.bytes).toBe(log.length)
    const seeming =
      head + frame('SET', 'a').repeat(3) + `*1000000\r\n$3\r\nSET\r\n${'$0\r\n\r\n'.repeat(200_000)}` + many
    expect(written(seeming, await survey(seeming))).toBe(head + many)
  })

  it('is for a database that only other files of the log have named', async () => {
    const log = zeros(60) + many
    expect(written(log, await survey(log))).toBe('')
    const found = await survey(log, new Set([5]))
    expect(written(log, found)).toBe(select(5) + many)
    expect(found.databaseAssumed).toBe(5)
  })
})
