/** Places, which are members of sorted sets. */
import {cellsAround, distanceInShape, type GeoShape} from '../../encoding/geo-search.js'
import {type GeoPoint, geohash, geopoint, isOnMap, scoresOf} from '../../encoding/geohash.js'
import {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {
  type CommandFamily,
  keyed,
  NOT_FLOAT,
  PartlyAppliedError,
  ReplyError,
  syntaxError,
  UnreplayableError,
} from '../command.js'
import {type Distant, moveToFront} from './geo-count.js'

const UNITS: readonly [word: string, metres: number][] = [
  ['M', 1],
  ['KM', 1000],
  ['FT', 0.3048],
  ['MI', 1609.34],
]

function unitAt(call: Call, arg: number): number {
  const unit = UNITS.find(([word]) => call.is(arg, word))
  if (unit === undefined) throw new ReplyError('ERR unsupported unit provided. please use M, KM, FT, MI')
  return unit[1]
}

function pointAt(call: Call, arg: number): GeoPoint {
  const point = {longitude: call.double(arg, NOT_FLOAT), latitude: call.double(arg + 1, NOT_FLOAT)}
  if (isOnMap(point)) return point
  const [longitude, latitude] = [point.longitude.toFixed(6), point.latitude.toFixed(6)]
  throw new ReplyError(`ERR invalid longitude,latitude pair ${longitude},${latitude}`)
}

/** key [NX|XX] [CH] longitude latitude member [...] */
function geoadd(call: Call): void {
  let first = 2
  let nx = false
  let xx = false
  for (; first < call.argc; first++) {
    if (call.is(first, 'NX')) nx = true
    else if (call.is(first, 'XX')) xx = true
    else if (!call.is(first, 'CH')) break
  }
  const places = (call.argc - first) / 3
  if (places < 1 || !Number.isInteger(places) || (nx && xx)) throw syntaxError()
  const scores = Array.from({length: places}, (_, i) => geohash(pointAt(call, first + 3 * i)))
  const there = call.lookup(1, SortedSetValue)
  if (there === undefined && xx) return
  const set = there ?? call.make(1, new SortedSetValue(call.keyspace.arena))
  for (const [i, score] of scores.entries()) {
    const arg = first + 3 * i + 2
    const before = nx || xx ? set.score(call.bytes, call.start(arg), call.end(arg)) : undefined
    if ((nx && before !== undefined) || (xx && before === undefined)) continue
    set.set(call.bytes, call.start(arg), call.end(arg), score)
  }
}

interface Search extends GeoShape {
  /** Undefined: no shape was given. */
  metresPerUnit: number | undefined
  order: 'ASC' | 'DESC' | undefined
  count: number
  any: boolean
}

function newSearch(): Search {
  return {
    ...{center: NOWHERE, width: 0, height: undefined, metresPerUnit: undefined},
    ...{order: undefined, count: 0, any: false},
  }
}

interface Found extends Distant {
  member: Uint8Array
}

/** All places in a shape, as they are met; with ANY no more than are wanted. */
function search(set: SortedSetValue, wanted: Search): Found[] {
  const {count, any} = wanted
  const found: Found[] = []
  const most = any ? count : Number.POSITIVE_INFINITY
  for (const cell of cellsAround(wanted)) {
    if (found.length >= most) break
    const [from, to] = scoresOf(cell)
    set.range(set.rankOfScore(from, false), set.rankOfScore(to, false) - 1, (bytes, start, end, score) => {
      const distance = distanceInShape(wanted, geopoint(score))
      if (distance === undefined) return true
      found.push({member: bytes.slice(start, end), score, distance})
      return found.length < most
    })
  }
  return found
}

/** Stores what is found at an argument, with the places or their distances as scores. */
function store(call: Call, arg: number, source: SortedSetValue | undefined, wanted: Search, distances: boolean): void {
  const set = new SortedSetValue(call.keyspace.arena)
  const found = source === undefined ? [] : search(source, wanted)
  const unit = wanted.metresPerUnit ?? 1
  const {count, order} = wanted
  const isCounted = count > 0 && count < found.length
  const isSure = !isCounted || moveToFront(found, count, order === 'DESC')
  if (isCounted) found.length = count
  for (const {member, score, distance} of found) set.set(member, 0, member.length, distances ? distance / unit : score)
  call.remove(arg)
  if (set.size > 0) call.make(arg, set)
  if (isSure) return
  const away = `${found[count - 1]!.distance.toFixed(3)} m away`
  throw new PartlyAppliedError(
    `which places ${away} are among the ${count} depends on the last bits of a server's sines`,
  )
}

function memberAt(call: Call, set: SortedSetValue | undefined, arg: number): GeoPoint {
  const score = set?.score(call.bytes, call.start(arg), call.end(arg))
  if (score === undefined) throw new ReplyError('ERR could not decode requested zset member')
  return geopoint(score)
}

const NOWHERE: GeoPoint = {longitude: 0, latitude: 0}

function lengthAt(call: Call, arg: number, what: string): number {
  return call.double(arg, `ERR need numeric ${what}`)
}

/** radius unit */
function radiusAt(call: Call, arg: number, into: Search): void {
  const radius = lengthAt(call, arg, 'radius')
  if (radius < 0) throw new ReplyError('ERR radius cannot be negative')
  into.metresPerUnit = unitAt(call, arg + 1)
  into.width = radius * into.metresPerUnit
}

/** width height unit */
function boxAt(call: Call, arg: number, into: Search): void {
  const width = lengthAt(call, arg, 'width')
  const height = lengthAt(call, arg + 1, 'height')
  if (width < 0 || height < 0) throw new ReplyError('ERR height or width cannot be negative')
  into.metresPerUnit = unitAt(call, arg + 2)
  into.width = width * into.metresPerUnit
  into.height = height * into.metresPerUnit
}

/** COUNT n, ANY, ASC, DESC: how many arguments it takes; 0 where it is none of these. */
function commonOption(call: Call, arg: number, into: Search): number {
  if (call.is(arg, 'ASC') || call.is(arg, 'DESC')) {
    into.order = call.is(arg, 'ASC') ? 'ASC' : 'DESC'
    return 1
  }
  if (call.is(arg, 'ANY')) {
    into.any = true
    return 1
  }
  if (!call.is(arg, 'COUNT') || arg + 1 >= call.argc) return 0
  into.count = call.number(arg + 1)
  if (into.count <= 0) throw new ReplyError('ERR COUNT must be > 0')
  return 2
}

/** What is for answers, and cannot stand where something is stored. */
function isForAnswers(call: Call, arg: number): boolean {
  return call.is(arg, 'WITHDIST') || call.is(arg, 'WITHHASH') || call.is(arg, 'WITHCOORD')
}

function checkAny({any, count}: Search): void {
  if (any && count === 0) throw new ReplyError('ERR the ANY argument requires COUNT argument')
}

/** key (longitude latitude | member) radius unit [options] [STORE key] [STOREDIST key] */
function georadius(byMember: boolean): (call: Call) => void {
  return call => {
    const source = call.lookup(1, SortedSetValue)
    const wanted = newSearch()
    const at = byMember ? 3 : 4
    // Of a member that nobody can look for not even the radius is read.
    if (!byMember || source !== undefined) {
      wanted.center = byMember ? memberAt(call, source, 2) : pointAt(call, 2)
      radiusAt(call, at, wanted)
    }
    let storeArg = 0
    let distances = false
    let answers = false
    for (let arg = at + 2; arg < call.argc; ) {
      const taken = commonOption(call, arg, wanted)
      if (taken > 0) {
        arg += taken
      } else if (isForAnswers(call, arg)) {
        answers = true
        arg++
      } else if ((call.is(arg, 'STORE') || call.is(arg, 'STOREDIST')) && arg + 1 < call.argc) {
        distances = call.is(arg, 'STOREDIST')
        storeArg = arg + 1
        arg += 2
      } else throw syntaxError()
    }
    if (storeArg > 0 && answers) throw forAnswers('STORE option in GEORADIUS')
    checkAny(wanted)
    if (storeArg === 0) return
    store(call, storeArg, source, wanted, distances)
  }
}

function forAnswers(what: string): ReplyError {
  return new ReplyError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`)
}

/** What of GEOSEARCHSTORE's options has been met. */
interface Given {
  from: 'member' | 'place' | undefined
  by: 'radius' | 'box' | undefined
  distances: boolean
  answers: boolean
}

/** One of the options of GEOSEARCHSTORE: how many arguments it takes. */
function searchOption(
  call: Call,
  arg: number,
  source: SortedSetValue | undefined,
  wanted: Search,
  given: Given,
): number {
  const taken = commonOption(call, arg, wanted)
  if (taken > 0) return taken
  const left = call.argc - arg - 1
  if (call.is(arg, 'STOREDIST')) {
    given.distances = true
    return 1
  }
  if (isForAnswers(call, arg)) {
    given.answers = true
    return 1
  }
  if (call.is(arg, 'FROMMEMBER') && left >= 1 && given.from !== 'place') {
    given.from = 'member'
    if (source !== undefined) wanted.center = memberAt(call, source, arg + 1)
    return 2
  }
  if (call.is(arg, 'FROMLONLAT') && left >= 2 && given.from !== 'member') {
    given.from = 'place'
    wanted.center = pointAt(call, arg + 1)
    return 3
  }
  if (call.is(arg, 'BYRADIUS') && left >= 2 && given.by !== 'box') {
    given.by = 'radius'
    radiusAt(call, arg + 1, wanted)
    return 3
  }
  if (call.is(arg, 'BYBOX') && left >= 3 && given.by !== 'radius') {
    given.by = 'box'
    boxAt(call, arg + 1, wanted)
    return 4
  }
  if (call.is(arg, 'BYPOLYGON')) throw new UnreplayableError('which places lie in a polygon is not worked out here')
  throw syntaxError()
}

/** destination source FROMMEMBER m|FROMLONLAT lon lat BYRADIUS r unit|BYBOX w h unit [options] [STOREDIST] */
function geosearchstore(call: Call): void {
  const source = call.lookup(2, SortedSetValue)
  const wanted = newSearch()
  const given: Given = {from: undefined, by: undefined, distances: false, answers: false}
  for (let arg = 3; arg < call.argc; ) arg += searchOption(call, arg, source, wanted, given)
  if (given.answers) throw forAnswers('GEOSEARCHSTORE')
  const exactlyOne = `can be specified for ${call.text(0)}`
  if (given.from === undefined) throw new ReplyError(`ERR exactly one of FROMMEMBER or FROMLONLAT ${exactlyOne}`)
  if (given.by === undefined) throw new ReplyError(`ERR exactly one of BYRADIUS and BYBOX ${exactlyOne}`)
  checkAny(wanted)
  store(call, 1, source, wanted, given.distances)
}

export const geoCommands: CommandFamily = {
  GEOADD: keyed(-5, geoadd),
  GEORADIUS: keyed(-6, georadius(false)),
  GEORADIUSBYMEMBER: keyed(-5, georadius(true)),
  GEOSEARCHSTORE: keyed(-8, geosearchstore),
}
