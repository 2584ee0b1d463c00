/** The text in which nodes of a cluster write down who has which slots: forms that a small cluster does not show. */
import {describe, expect, it} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {parseClusterNodes} from '../../src/keyspace/cluster-nodes.js'

const id = (digit: string): string => digit.repeat(40)
const line = (node: string, flags: string, ...slots: string[]): string =>
  [id(node), '127.0.0.1:7000@17000,host,tls-port=0', flags, '-', '0', '1700000000000', '3', 'connected', ...slots].join(
    ' ',
  )

describe('nodes.conf', () => {
  it('names masters by their lowest slot, ranges and single slots, and slots on their way', () => {
    const text = [
      line('b', 'master', '9000', '100-200', `[150->-${id('a')}]`),
      line('a', 'myself,master', '0-99', '201-299', '301-8999', '9001-16383', `[150-<-${id('b')}]`),
      line('c', 'slave').replace(' - ', ` ${id('a')} `),
      line('d', 'master,fail', '300'),
      line('2', 'master,fail'),
      line('e', 'master,noaddr'),
      line('f', 'handshake'),
      line('1', 'master'),
      'vars currentEpoch 6 lastVoteEpoch 0',
      '',
    ].join('\n')
    expect(parseClusterNodes(text, 'nodes.conf')).toEqual({
      shards: [
        {
          nodeId: id('a'),
          slots: [
            [0, 99],
            [201, 299],
            [301, 8999],
            [9001, 16_383],
          ],
        },
        {
          nodeId: id('b'),
          slots: [
            [100, 200],
            [9000, 9000],
          ],
        },
        {nodeId: id('d'), slots: [[300, 300]]},
      ],
      migrating: [150],
      failed: [id('d')],
    })
  })

  it('has a master that is only thought to fail', () => {
    expect(parseClusterNodes(line('a', 'master,fail?', '0-16383'), 'x').shards).toHaveLength(1)
  })

  it('may have the line ends of another system', () => {
    expect(parseClusterNodes(`${line('a', 'master', '0-16383')}\r\n`, 'x').shards[0]!.slots).toEqual([[0, 16_383]])
  })

  it.each([
    ['another text', 'port 7000\n', /line 1: this is no node of a cluster/],
    ['nothing', '', /no master with slots/],
    ['replicas alone', line('a', 'slave'), /no master with slots/],
    ['a slot that no cluster has', line('a', 'master', '0-16384'), /line 1: "0-16384" are no slots/],
    ['a range from its end', line('a', 'master', '9-3'), /"9-3" are no slots/],
    ['a word in the place of slots', line('a', 'master', 'all'), /"all" are no slots/],
  ])('is refused: %s', (_, text, said) => {
    expect(() => parseClusterNodes(text, 'nodes.conf')).toThrow(said)
    expect(() => parseClusterNodes(text, 'nodes.conf')).toThrow(UsageError)
  })
})
