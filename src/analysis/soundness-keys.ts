/**
 * What is odd about the attributes that stand before keys.
 */
import type {Entry} from '../keyspace/entry.js'
import type {Findings} from './soundness-findings.js'

export function tellNegativeExpiry(findings: Findings, {expireAtMs, offset}: Entry): void {
  const text = `the key expires at ${expireAtMs} ms, before 1970: ${expireAtMs === -1 ? 'servers keep it for ever' : 'servers drop it'}`
  findings.inEntry('EXPIRY_NEGATIVE', 'warning', offset, text)
}

export function tellDangling(findings: Findings, offset: number): void {
  const text = 'an expiry or a usage stands before something that is no key: servers give it to the next key'
  findings.inFile('DANGLING_ATTRIBUTE', 'warning', offset, text)
}
