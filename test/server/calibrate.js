/**
 * How far the memory model is off, by server, type and encoding, on random keyspaces: npm run calibrate, which builds
 * first.
 *
 *   npm run calibrate -- [server...] [--from SERVER] [--seed 1] [--scale 30] [--worst 0]
 *
 * --from names the server that saves what they load, if it is not each itself.
 * --worst shows so many keys of each encoding, the worst first.
 */

import {parseArgs} from 'node:util'
import {layoutOf} from '../../dist/analysis/memory/layout.js'
import {MemoryModel} from '../../dist/analysis/memory/model.js'
import {MemoryVisitor} from '../../dist/analysis/memory/visitor.js'
import {RdbReader} from '../../dist/rdb/reader.js'
import {calibrate, errorsOf, modelOf, off} from './calibration.js'
import {availableServers} from './server.js'

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    from: {type: 'string'},
    seed: {type: 'string', default: '1'},
    scale: {type: 'string', default: '30'},
    worst: {type: 'string', default: '0'},
  },
})
const names = positionals.length > 0 ? positionals : availableServers().found.map(({name}) => name)
const model = modelOf({layoutOf, MemoryModel, MemoryVisitor, RdbReader})

/** @param {import('./calibration.js').Row} row */
const kindOf = ({type, encoding}) => `${type} ${encoding}`
/** @param {number} share */
const percent = share => `${(100 * share).toFixed(2)}`.padStart(8)

for (const name of names) {
  const {allocator, rows, used, overhead} = await calibrate(
    name,
    Number(values.seed),
    Number(values.scale),
    model,
    values.from,
  )
  console.log(`\n${name} (${allocator}), ${rows.length} keys          median   95th %    worst    total  (percent)`)
  const kinds = [...new Set(rows.map(kindOf))].sort()
  for (const kind of ['all', ...kinds]) {
    const some = kind === 'all' ? rows : rows.filter(row => kindOf(row) === kind)
    const {median, p95, worst, total} = errorsOf(some)
    console.log(`${`${kind} (${some.length})`.padEnd(36)} ${[median, p95, worst, total].map(percent).join(' ')}`)
    if (kind === 'all') continue
    for (const row of some.toSorted((a, b) => off(b) - off(a)).slice(0, Number(values.worst))) {
      console.log(
        `    ${row.key.slice(0, 40)} (${row.key.length}), ${row.elements} elements: ${row.told}, is ${row.real}`,
      )
    }
  }
  for (const [what, {told, real}] of Object.entries({used, overhead})) {
    console.log(`${`memory ${what}: ${told}, is ${real}`.padEnd(63)} ${percent(told / real - 1)}`)
  }
}
