/** The programs we are compared with: how each is found, and how each is asked to do a work. */

import {findServer, onPath} from '../server/catalog.js'

/**
 * @typedef {import('./measure.js').Subject} Subject
 * @typedef {{name: string, from: string, find: () => import('../server/catalog.js').Program | undefined}} Peer
 */

/**
 * @param {string} name
 */
function installed(name) {
  const command = onPath(name)
  return command ? {command, args: []} : undefined
}

/** @type {Peer[]} */
export const PEERS = [
  {
    name: 'redis-check-rdb',
    from: 'sh test/server/install.sh',
    find: () => {
      const server = findServer('redis-7.0')
      return typeof server === 'string' ? installed('redis-check-rdb') : server.tool('check-rdb')
    },
  },
  {name: 'rdb-cli', from: 'librdb, built from its source', find: () => installed('rdb-cli')},
  {name: 'rdb', from: 'HDT3213/rdb, built from its source', find: () => installed('rdb')},
]

/** @type {Record<string, (file: string) => string[]>} the nearest that each peer has to `inspect` */
const INSPECT = {
  'redis-check-rdb': file => [file],
  'rdb-cli': file => [file, 'print', '-o', '/dev/null'],
  rdb: file => ['-c', 'memory', '-o', '/dev/null', file],
}

/**
 * @param {string} file
 * @returns {Subject[]} the peers that are here
 */
export function inspectingPeers(file) {
  return PEERS.flatMap(({name, find}) => {
    const program = find()
    const args = INSPECT[name]?.(file)
    return program && args ? [{name, command: program.command, args: [...program.args, ...args]}] : []
  })
}

/** The nearest that each peer has to `dump`, by name and arguments. @type {Record<string, [name: string, args: string[]][]>} */
const DUMP = {
  'rdb-cli': [
    ['json', ['json', '-o', '/dev/null']],
    ['resp', ['resp', '-o', '/dev/null']],
  ],
  rdb: [['json', ['-c', 'json', '-o', '/dev/null']]],
}

/**
 * @param {string} file
 * @returns {Subject[]} the peers that are here, and redis-check-rdb, which the published figures of the others stand beside
 */
export function dumpingPeers(file) {
  const dumping = PEERS.flatMap(({name, find}) => {
    const program = find()
    if (!program) return []
    return (DUMP[name] ?? []).map(([what, args]) => {
      const all = name === 'rdb' ? [...args, file] : [file, ...args]
      return {name: `${name} ${what}`, command: program.command, args: [...program.args, ...all]}
    })
  })
  return [...dumping, ...inspectingPeers(file).filter(({name}) => name === 'redis-check-rdb')]
}

/** In words, the peers that are not here. */
export function missingPeers() {
  return PEERS.filter(one => !one.find()).map(({name, from}) => `${name} is not on PATH (${from}): not compared`)
}
