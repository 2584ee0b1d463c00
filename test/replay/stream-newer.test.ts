/** Streams: what servers do that are newer than any at hand, by their documentation and their own tests. */
import {describe, expect, it} from 'vitest'
import {type Content, contentOf, replay} from './replaying.js'

const AT = 1_600_000_000_000

describe('streams', () => {
  const contentAfter = async (...commands: string[]): Promise<Content> => contentOf(replay(commands, AT).keyspace)
  const three = ['XADD a 1-0 f v', 'XADD a 2-0 f v', 'XADD a 3-0 f v']
  const f = '["f","v"]'

  it('are what XADD makes of the time', async () => {
    expect(await contentAfter('XADD a * f v', 'XADD a * f v')).toEqual({
      '0:a': `stream ${AT}-0,${f},${AT}-1,${f},2 ${AT}-1 0-0 2`,
    })
  })

  describe('of redis 8.2', () => {
    const pending = [...three, 'XGROUP CREATE a g 0', `XCLAIM a g c 0 1-0 2-0 TIME ${AT} FORCE JUSTID LASTID 2-0`]

    it('keep what a group still needs, and lose what is behind it instead', async () => {
      // As its own tests have it: nothing is read yet; then one is; then all are.
      const five = [1, 2, 3, 4, 5].map(n => `XADD a ${n}-0 f v`)
      const unread = [...five, 'XGROUP CREATE a g 0', 'XADD a MAXLEN = 1 ACKED 6-0 f v']
      const sizeOf = async (...all: string[]): Promise<number> => replay(all).keyspace.database(0).value(0)!.size
      expect(await sizeOf(...unread)).toBe(6)
      const one = [...unread, 'XGROUP SETID a g 1-0', 'XADD a MAXLEN = 1 ACKED 7-0 f v']
      expect(await sizeOf(...one)).toBe(6)
      expect(await sizeOf(...one, 'XGROUP SETID a g 7-0', 'XADD a MAXLEN = 1 ACKED 8-0 f v')).toBe(1)
      expect(await sizeOf(...pending, 'XGROUP SETID a g 3-0', 'XTRIM a MAXLEN 2 ACKED')).toBe(2)
    })

    it('lose what was pending with the entry, where that is wanted', async () => {
      const trimmed = await contentAfter(...pending, 'XTRIM a MAXLEN 2 DELREF')
      expect(trimmed['0:a']).toBe(
        `stream 2-0,${f},3-0,${f},2 3-0 0-0 3,group g 2-0 -1 1,2-0 ${AT} 1,consumer c ${AT} undefined 1,2-0`,
      )
      const kept = await contentAfter(...pending, 'XTRIM a MAXLEN 2 KEEPREF')
      expect(kept['0:a']).toContain('group g 2-0 -1 2')
    })

    it.each([
      ['XDELEX a IDS 2 1-0 3-0', '2-0', 'group g 2-0 -1 2'],
      ['XDELEX a IDS 2 1-0 3-0 DELREF', '2-0', 'group g 2-0 -1 1'],
      ['XDELEX a ACKED IDS 3 1-0 2-0 3-0', '1-0 2-0 3-0', 'group g 2-0 -1 2'],
      ['XACKDEL a g IDS 2 1-0 3-0', '2-0 3-0', 'group g 2-0 -1 1'],
      ['XACKDEL a g ACKED IDS 2 1-0 3-0', '2-0 3-0', 'group g 2-0 -1 1'],
      ['XACKDEL a g DELREF IDS 1 2-0', '1-0 3-0', 'group g 2-0 -1 1'],
    ])('%s', async (command, left, group) => {
      const {'0:a': shown} = await contentAfter(...pending, command)
      expect(shown!.match(/\d+-\d+(?=,\[)/g)?.join(' ')).toBe(left)
      expect(shown).toContain(group)
    })

    it('end what is pending of an entry that has been deleted before', async () => {
      expect((await contentAfter(...pending, 'XDEL a 1-0', 'XDELEX a DELREF IDS 1 1-0'))['0:a']).toContain(
        'group g 2-0 -1 1',
      )
    })
  })

  describe('of redis 8.8', () => {
    const pending = [
      ...three,
      'XGROUP CREATE a g 0',
      `XCLAIM a g c 0 1-0 2-0 TIME ${AT} RETRYCOUNT 5 FORCE JUSTID LASTID 2-0`,
    ]
    const groupAfter = async (...commands: string[]): Promise<string> =>
      (await contentAfter(...pending, ...commands))['0:a']!.replace(/^.*?(?=group)/, '')

    it.each([
      ['SILENT', '4'],
      ['FAIL', '5'],
      ['FATAL', '9223372036854775807'],
    ])('have pending entries that nobody owns (%s)', async (mode, deliveries) => {
      expect(await groupAfter(`XNACK a g ${mode} IDS 2 2-0 3-0`)).toBe(
        `group g 2-0 -1 2,1-0 ${AT} 5,2-0 0 ${deliveries},consumer c ${AT} undefined 1,1-0,nobody 2-0`,
      )
    })

    it('have them in the order in which they were released, until they are claimed or acknowledged', async () => {
      const released = [
        'XNACK a g FAIL IDS 1 2-0',
        'XNACK a g FAIL IDS 1 1-0',
        'XNACK a g FAIL IDS 1 3-0 RETRYCOUNT 9 FORCE',
      ]
      expect(await groupAfter(...released)).toBe(
        `group g 2-0 -1 3,1-0 0 5,2-0 0 5,3-0 0 9,consumer c ${AT} undefined 0,nobody 2-0,nobody 1-0,nobody 3-0`,
      )
      const {refusals} = replay([...pending, ...released, 'COPY a b', `XCLAIM b g d 1000 1-0 TIME ${AT}`], AT)
      expect(refusals).toEqual([])
      const copied = await contentAfter(
        ...pending,
        ...released,
        'COPY a b',
        `XCLAIM b g d 1000 1-0 TIME ${AT}`,
        'XACK b g 3-0',
      )
      expect(copied['0:b']).toContain(
        `group g 2-0 -1 2,1-0 ${AT} 6,2-0 0 5,consumer c ${AT} undefined 0,consumer d ${AT} undefined 1,1-0,nobody 2-0`,
      )
      expect(copied['0:a']).toContain('nobody 2-0,nobody 1-0,nobody 3-0')
    })

    it('refuse what says no mode, no IDs, or too few deliveries', () => {
      const wrong = [
        'XNACK a g IDS 1 1-0 x',
        'XNACK a g FAIL FORCE FORCE FORCE',
        'XNACK a g FAIL IDS 1 1-0 RETRYCOUNT -1',
      ]
      expect(replay([...pending, ...wrong, 'XNACK a none FAIL IDS 1 1-0']).refusals.map(({kind}) => kind)).toEqual(
        Array.from({length: 4}, () => 'error'),
      )
    })
  })

  describe('of redis 8.6', () => {
    const producersAfter = async (...commands: string[]): Promise<string> =>
      (await contentAfter(...commands))['0:a']!.replace(/^.*?(?=producers)/, '')

    it('know what their producers have made, the last of it', async () => {
      const made = ['XADD a IDMP q i1 1-0 f v', 'XADD a IDMP p i1 2-0 f v', 'XADD a MAXLEN 9 IDMP p i2 3-0 f v']
      expect(await producersAfter(...made)).toBe(
        'producers 100 100 2,producer p 2,i1 2-0,i2 3-0,producer q 1,i1 1-0,3 0',
      )
      const few = [
        'XADD a 1-0 f v',
        'XCFGSET a IDMP-MAXSIZE 2',
        ...[2, 3, 4].map(n => `XADD a IDMP p i${n} ${n}-0 f v`),
      ]
      expect(await producersAfter(...few)).toBe('producers 100 2 1,producer p 2,i3 3-0,i4 4-0,3 0')
      // It has been forgotten by then, and was made anew.
      expect(await producersAfter(...few, 'XADD a IDMP p i3 5-0 f v')).toBe(
        'producers 100 2 1,producer p 2,i4 4-0,i3 5-0,4 0',
      )
    })

    it('make nothing twice where a client would have', async () => {
      const twice = ['XADD a IDMP p i * f v', 'XADD a IDMP p i * f other', 'XADD a IDMP q i * f v']
      expect(await producersAfter(...twice)).toBe(
        `producers 100 100 2,producer p 1,i ${AT}-0,producer q 1,i ${AT}-1,2 1`,
      )
    })

    it('forget it all when settings change, not when they are set again', async () => {
      const made = ['XADD a IDMP p i 1-0 f v']
      expect(await producersAfter(...made, 'XCFGSET a IDMP-DURATION 100')).toBe(
        'producers 100 100 1,producer p 1,i 1-0,1 0',
      )
      expect(await producersAfter(...made, 'XCFGSET a IDMP-DURATION 5 IDMP-MAXSIZE 7')).toBe('producers 5 7 0,1 0')
    })

    it('are told of it by rewritten logs', async () => {
      const told = [
        'XADD a 1-0 f v',
        'XIDMPRECORD a p i 1-0',
        'XIDMPRECORD a p i 1-0',
        'COPY a b',
        'XIDMPRECORD b p j 1-0',
      ]
      const content = await contentAfter(...told)
      expect(content['0:a']).toContain('producers 100 100 1,producer p 1,i 1-0,0 0')
      expect(content['0:b']).toContain('producers 100 100 1,producer p 2,i 1-0,j 1-0,0 0')
    })

    it('refuse what its server refuses', () => {
      const wrong = [
        ...['XCFGSET a', 'XCFGSET none IDMP-DURATION 5', 'XCFGSET a IDMP-DURATION', 'XCFGSET a IDMP-DURATION 0'],
        ...[
          'XCFGSET a IDMP-DURATION 86401',
          'XCFGSET a IDMP-MAXSIZE 10001',
          'XCFGSET a IDMP-MAXSIZE x',
          'XCFGSET a FOO 1',
        ],
        ...['XIDMPRECORD a p i 9-0', 'XIDMPRECORD none p i 1-0', 'XIDMPRECORD a  i 1-0', 'XIDMPRECORD a p i 2-0'],
        ...[
          'XADD a IDMP p i IDMP p j 9-0 f v',
          'XADD a IDMP  i 9-0 f v',
          'XADD a IDMP p  9-0 f v',
          'XADD a IDMP p 9-0 f v',
        ],
      ]
      const {refusals} = replay([...three, 'XIDMPRECORD a p i 1-0', ...wrong])
      expect(refusals.map(({offset}) => wrong[offset - 4])).toEqual(wrong)
    })

    it('take entries whose producer gave them no ID of its own, and tell that it is not known', async () => {
      const {keyspace, refusals} = replay(['XADD a IDMPAUTO p 1-0 f v'])
      expect(refusals).toMatchObject([{kind: 'partly', command: 'XADD', message: expect.stringContaining('IDMPAUTO')}])
      expect((await contentOf(keyspace))['0:a']).toBe(`stream 1-0,${f},1 1-0 0-0 1,producers 100 100 0,1 0`)
    })
  })
})
