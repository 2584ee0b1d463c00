/** SORT key ... STORE destination. */
import {compareBytes} from '../../bytes/compare.js'
import {parseDouble} from '../../bytes/decimal.js'
import {RecordPlace} from '../../resident/byte-table.js'
import {HashValue} from '../../resident/hash.js'
import {ListValue} from '../../resident/list.js'
import {SetValue} from '../../resident/set.js'
import {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, PartlyAppliedError, ReplyError, syntaxError, WRONG_TYPE} from '../command.js'
import {sortPart} from '../partial-sort.js'

interface SortOptions {
  descending: boolean
  alphabetic: boolean
  by: Uint8Array | undefined
  /** A pattern without * was among those that elements are to be sorted by, though another may stand behind it: they stay as they come. */
  unsorted: boolean
  offset: number
  count: number
  gets: Uint8Array[]
  /** Argument that names where the result goes; 0 nowhere. */
  store: number
}

const STAR = 0x2a

function sortOptions(call: Call): SortOptions {
  const options: SortOptions = {
    ...{descending: false, alphabetic: false, by: undefined, unsorted: false},
    ...{offset: 0, count: -1, gets: [], store: 0},
  }
  for (let arg = 2; arg < call.argc; arg++) {
    const left = call.argc - arg - 1
    if (call.is(arg, 'ASC')) options.descending = false
    else if (call.is(arg, 'DESC')) options.descending = true
    else if (call.is(arg, 'ALPHA')) options.alphabetic = true
    else if (call.is(arg, 'LIMIT') && left >= 2) {
      options.offset = call.number(arg + 1)
      options.count = call.number(arg + 2)
      arg += 2
    } else if (call.is(arg, 'STORE') && left >= 1) options.store = ++arg
    else if (call.is(arg, 'BY') && left >= 1) {
      options.by = call.copy(++arg)
      if (!options.by.includes(STAR)) options.unsorted = true
    } else if (call.is(arg, 'GET') && left >= 1) options.gets.push(call.copy(++arg))
    else throw syntaxError()
  }
  return options
}

/** Copies of all elements, as they come. */
function elementsOf(call: Call): Uint8Array[] {
  const entry = call.find(1)
  const found: Uint8Array[] = []
  if (entry < 0) return found
  const value = call.db.value(entry)
  const take = (bytes: Uint8Array, start: number, end: number): void => {
    found.push(bytes.slice(start, end))
  }
  if (value instanceof ListValue) value.each(take)
  else if (value instanceof SetValue) value.each(take)
  else if (value instanceof SortedSetValue) value.range(0, value.size - 1, take)
  else throw new ReplyError(WRONG_TYPE)
  return found
}

const place = new RecordPlace()

/** What a pattern means for an element: the element itself, a string, or a field of a hash; undefined where there is none. */
function lookUp(call: Call, pattern: Uint8Array, element: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(pattern).toString('latin1')
  if (text === '#') return element
  const star = pattern.indexOf(STAR)
  if (star < 0) return undefined
  // A field is named behind an arrow that stands behind the star, and not at the very end.
  const arrow = text.indexOf('->', star + 1)
  const hasField = arrow >= 0 && arrow + 2 < pattern.length
  const keyEnd = hasField ? arrow : pattern.length
  const key = Buffer.concat([pattern.subarray(0, star), element, pattern.subarray(star + 1, keyEnd)])
  const entry = call.db.find(key, 0, key.length)
  if (entry < 0) return undefined
  const value = call.db.value(entry)
  if (hasField) {
    const field = pattern.subarray(arrow + 2)
    if (!(value instanceof HashValue) || value.find(field, 0, field.length) < 0) return undefined
    return value.at.bytes.slice(value.valueStart, value.at.payloadEnd)
  }
  if (value !== undefined) return undefined
  call.db.place(entry, place)
  return place.bytes.slice(place.end, place.payloadEnd)
}

interface Sortable {
  element: Uint8Array
  score: number
  weight: Uint8Array | undefined
}

function sortable(call: Call, element: Uint8Array, {by, alphabetic}: SortOptions): Sortable {
  const weight = by === undefined ? element : lookUp(call, by, element)
  if (alphabetic || weight === undefined) return {element, score: 0, weight}
  // Nothing is nought: so reads strtod.
  const score = weight.length === 0 ? 0 : parseDouble(weight, 0, weight.length)
  if (score === undefined || Number.isNaN(score)) {
    throw new ReplyError("ERR One or more scores can't be converted into double")
  }
  return {element, score, weight}
}

/** Nothing stands before anything else. */
function compareWeights(one: Uint8Array | undefined, other: Uint8Array | undefined): number {
  if (one === undefined || other === undefined) return (one === undefined ? 0 : 1) - (other === undefined ? 0 : 1)
  return compareBytes(one, 0, one.length, other, 0, other.length)
}

/** As in a server: of equal numbers the elements decide, unless another key was named. */
function compare(one: Sortable, other: Sortable, {alphabetic, by, descending}: SortOptions): number {
  let order: number
  if (alphabetic) order = compareWeights(one.weight, other.weight)
  else if (one.score !== other.score) order = one.score < other.score ? -1 : 1
  else order = compareBytes(one.element, 0, one.element.length, other.element, 0, other.element.length)
  if (alphabetic && by === undefined && order === 0) order = compareWeights(one.element, other.element)
  return descending ? -order : order
}

/** Elements of a set have no order of their own: what is stored of them gets one (redis 7.0 sort.c). */
function sortWhatHasNoOrder(options: SortOptions): void {
  if (options.store === 0 || !options.unsorted) return
  options.by = undefined
  options.unsorted = false
  options.alphabetic = true
}

/** Puts those from `first` up to `end` in the order that a server gives them. False: which it is, of equals, nobody can know. */
function putInOrder(all: Sortable[], options: SortOptions, first: number, end: number, cameInOrder: boolean): boolean {
  const compareTwo = (one: Sortable, other: Sortable): number => compare(one, other, options)
  // Only by a named key servers leave the rest unsorted (redis 6.0 to 8.0, valkey 8.0 to 9.1).
  const isPart = options.by !== undefined && end - first < all.length
  if (cameInOrder && isPart) sortPart(all, compareTwo, first, end)
  // Equals stay in the order in which they came, as with glibc's qsort; other C libraries may not keep it.
  else all.sort(compareTwo)
  if (cameInOrder || first === end) return true
  for (let i = Math.max(first, 1); i <= Math.min(end, all.length - 1); i++) {
    if (compareTwo(all[i - 1]!, all[i]!) === 0) return false
  }
  return true
}

function sort(call: Call): void {
  const options = sortOptions(call)
  const elements = elementsOf(call)
  const entry = call.find(1)
  const value = entry < 0 ? undefined : call.db.value(entry)
  if (value instanceof SetValue) sortWhatHasNoOrder(options)
  const first = Math.min(Math.max(options.offset, 0), elements.length)
  const end = options.count < 0 ? elements.length : Math.min(first + options.count, elements.length)
  let ordered = elements
  let isKnown = true
  if (!options.unsorted) {
    const sortables = elements.map(element => sortable(call, element, options))
    // Those of sets and sorted sets come as the server's hash table has them.
    isKnown = putInOrder(sortables, options, first, end, value instanceof ListValue)
    ordered = sortables.map(({element}) => element)
  } else if (options.descending) {
    ordered = elements.reverse()
  }
  if (options.store === 0) return
  store(call, options, ordered.slice(first, end))
  if (isKnown) return
  throw new PartlyAppliedError("the order of elements with equal keys is that of the server's hash table")
}

const NOTHING = new Uint8Array(0)

function store(call: Call, {gets, store}: SortOptions, chosen: readonly Uint8Array[]): void {
  const list = new ListValue(call.keyspace.arena)
  for (const element of chosen) {
    const row = gets.length === 0 ? [element] : gets.map(pattern => lookUp(call, pattern, element) ?? NOTHING)
    for (const one of row) list.pushTail(one, 0, one.length)
  }
  call.remove(store)
  if (list.size > 0) call.make(store, list)
}

export const sortCommands: CommandFamily = {
  SORT: keyed(-2, sort),
}
