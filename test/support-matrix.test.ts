/** The table of README that says which servers' files are read and written: what it calls proved is proved by servers that tests start. */
import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {TARGETS} from '../src/rdb/targets.js'
import {CATALOG} from './server/catalog.js'

const ROOT = new URL('../', import.meta.url)
const README = readFileSync(new URL('README.md', ROOT), 'utf8')
const SECTION = README.slice(README.indexOf('## What is read and written'), README.indexOf('## Speed'))
const AT_HAND = new Set(CATALOG.map(({name}) => name))
/** Before the first target, and of vendors that are no target. */
const NO_TARGETS = /up to|KeyDB/

interface Row {
  names: string[]
  versions: number[]
  read: string
  written: string
  foretold: string
}

const rows: Row[] = SECTION.split('\n')
  .filter(line => /^\| (Redis|Valkey|Redict) /.test(line) && !NO_TARGETS.test(line))
  .map(line => {
    const [server = '', rdb = '', read = '', written = '', foretold = ''] = line
      .split('|')
      .slice(1)
      .map(cell => cell.trim())
    const [product = '', ...lines] = server.replace(/ \(.*\)/, '').split(/,? /)
    const names = lines.map(one => `${product.toLowerCase()}-${one}`)
    const numbers = rdb.split(', ').map(Number)
    return {names, versions: names.map((_, i) => numbers[i] ?? numbers[0]!), read, written, foretold}
  })

describe('the support matrix', () => {
  it('has every target once, with the version of its files', () => {
    const told = rows.flatMap(({names, versions}) => names.map((name, i) => [name, versions[i]!] as const))
    const byName = (a: readonly [string, number], b: readonly [string, number]): number => (a[0] < b[0] ? -1 : 1)
    const targets = TARGETS.map(({name, rdbVersion}) => [name, rdbVersion] as const)
    expect(told.toSorted(byName)).toEqual(targets.toSorted(byName))
  })

  it('calls proved by a server itself what is proved by servers at hand, no less and no more', () => {
    for (const {names, read, written, foretold} of rows) {
      const isAtHand = names.every(name => AT_HAND.has(name))
      expect(
        names.some(name => AT_HAND.has(name)),
        names.join(),
      ).toBe(isAtHand)
      expect({names, proved: read.includes('**O**')}).toEqual({names, proved: isAtHand})
      expect({names, proved: /loaded by (it|them) \*\*L\*\*/.test(written)}).toEqual({names, proved: isAtHand})
      expect({names, proved: foretold.includes('**P**')}).toEqual({names, proved: isAtHand})
    }
  })

  it('names tests that are there', () => {
    const tests = [...SECTION.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, path]) => path!)
    expect(tests.length).toBeGreaterThan(5)
    expect(tests.filter(path => !existsSync(fileURLToPath(new URL(path, ROOT))))).toEqual([])
  })
})
