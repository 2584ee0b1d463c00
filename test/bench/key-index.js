/**
 * KeyIndex by itself: node test/bench/key-index.js [million keys] [MiB of memory], after a build.
 *
 * Keys of 20 bytes, distinct but for one in a thousand, then one key over and over. Each run is a process of its own, so
 * that its peak memory is its own; without arguments 2 million keys (which fit), 10 and 100 million (which spill) in 64 MiB.
 */
import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {KeyIndex} from '../../dist/keyspace/key-index.js'

const KEY_BYTES = 20
const MIB = 2 ** 20
/** Keys made beforehand at a time, so that making them is not measured. */
const BATCH = 4096

const [what, millions, mebibytes] = process.argv.slice(2)
if (what === 'distinct' || what === 'same' || what === 'paired') await run(what, Number(millions), Number(mebibytes))
else if (what !== undefined) all([[Number(what), Number(millions ?? 64)]])
else
  all([
    [2, 64],
    [10, 64],
    [100, 64],
  ])

/** @param {[millions: number, mebibytes: number][]} sizes */
function all(sizes) {
  for (const [keys, memory] of sizes) {
    for (const shape of ['distinct', 'paired', 'same']) {
      const args = [fileURLToPath(import.meta.url), shape, String(keys), String(memory)]
      execFileSync(process.execPath, args, {stdio: 'inherit'})
    }
  }
}

/**
 * `distinct`: one key in a thousand occurs again; `paired`: each occurs twice; `same`: there is one key.
 * @param {'distinct' | 'paired' | 'same'} shape
 * @param {number} keysMillion
 * @param {number} memoryMib
 */
async function run(shape, keysMillion, memoryMib) {
  const idleBytes = process.memoryUsage().rss
  const count = keysMillion * 1e6
  const keys = Buffer.alloc(BATCH * KEY_BYTES)
  const index = new KeyIndex({memoryBytes: memoryMib * MIB})
  let addMs = 0
  for (let first = 0; first < count; first += BATCH) {
    const batch = Math.min(BATCH, count - first)
    for (let i = 0; i < batch; i++) writeKey(keys, i * KEY_BYTES, number(shape, first + i, count))
    const started = performance.now()
    for (let i = 0, at = 0; i < batch; i++, at += KEY_BYTES) index.add(0, keys, at, at + KEY_BYTES, (first + i) * 60)
    addMs += performance.now() - started
  }
  const {spilledBytes} = index
  const started = performance.now()
  let groups = 0
  let firstMs = 0
  for await (const _ of index.duplicates()) {
    if (groups++ === 0) firstMs = performance.now() - started
  }
  const foundMs = performance.now() - started
  const rssBytes = process.resourceUsage().maxRSS * 1024
  index.close()
  console.log(
    `${String(keysMillion).padStart(4)} million ${shape.padEnd(9)}` +
      `${(count / addMs / 1000).toFixed(1).padStart(6)} M adds/s` +
      `${(count / foundMs / 1000).toFixed(1).padStart(7)} M keys/s looked through` +
      ` (first group after ${firstMs.toFixed(0)} ms, ${groups} groups in ${foundMs.toFixed(0)} ms)` +
      `  ${((addMs + foundMs) / 1000).toFixed(2)} s in all, ${(spilledBytes / MIB).toFixed(0)} MiB in the file,` +
      ` peak RSS ${(rssBytes / MIB).toFixed(0)} MiB of which ${(idleBytes / MIB).toFixed(0)} idle`,
  )
}

/** @param {string} shape @param {number} i @param {number} count */
function number(shape, i, count) {
  if (shape === 'same') return 0
  if (shape === 'paired') return i % Math.ceil(count / 2)
  return i % 1000 === 999 ? i - 500 : i
}

/** @param {Buffer} into @param {number} at @param {number} value */
function writeKey(into, at, value) {
  into.latin1Write('session:', at, 8)
  for (let p = at + KEY_BYTES - 1, rest = value; p >= at + 8; p--) {
    into[p] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
