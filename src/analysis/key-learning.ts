/** What a survey learns of the keys of a file while it walks over them. */
import {KeyProfile} from '../rdb/key-profile.js'
import type {RecordWalker} from '../rdb/record-walker.js'

/** What these are like tells what all are like. */
const KEYS_LEARNED = 1024
/** Of what follows damage, that may be none. */
const KEYS_UNCERTAIN = 4

export class KeyLearning {
  /** Of keys that stand well behind damage, the first ones. */
  readonly whole = new KeyProfile()
  /** Keys that were known where damage was met first; -1: it was not. */
  #keysKnown = -1
  /** Keys since damage; where the file begins none are uncertain. */
  #since = KEYS_UNCERTAIN

  /** Keys that it has been learned from before. */
  #learned: number

  /** `profile`: what is known of the keys beforehand, from the first ones that were sound. */
  constructor(readonly profile = new KeyProfile()) {
    this.#learned = profile.keys
    profile.isWhole = profile.keys > 0
  }

  /** The key that was walked over last is sound. */
  learn(walker: RecordWalker): void {
    if (this.#learned-- <= 0) this.profile.learn(walker)
    if (this.#since++ >= KEYS_UNCERTAIN && this.whole.keys < KEYS_LEARNED) this.whole.learn(walker)
  }

  meetDamage(): void {
    if (this.#keysKnown < 0) this.#keysKnown = this.profile.keys
    this.#since = 0
  }

  /** Damage was met while less was known of the keys than there was to know. */
  get wasEarly(): boolean {
    return this.#keysKnown >= 0 && this.#keysKnown < KEYS_LEARNED && this.whole.keys > this.#keysKnown
  }
}
