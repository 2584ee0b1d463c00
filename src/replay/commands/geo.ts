/** Places, which are members of sorted sets. */
import {distanceBetween, distanceWithin, type GeoPoint, geohash, geopoint, isOnMap} from '../../encoding/geohash.js'
import {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, NOT_FLOAT, ReplyError, syntaxError, UnreplayableError} from '../command.js'

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

interface Search {
  center: GeoPoint
  /** Metres; a box where there is a height. */
  width: number
  height: number | undefined
  metresPerUnit: number
  order: 'ASC' | 'DESC' | undefined
  count: number
  any: boolean
}

interface Found {
  member: Uint8Array
  score: number
  distance: number
}

function search(set: SortedSetValue, {center, width, height, count, any, order}: Search): Found[] {
  const found: Found[] = []
  set.range(0, set.size - 1, (bytes, start, end, score) => {
    const place = geopoint(score)
    const metres = height === undefined ? distanceBetween(center, place) : distanceWithin(center, place, width, height)
    if (metres === undefined || (height === undefined && metres > width)) return
    found.push({member: bytes.slice(start, end), score, distance: metres})
  })
  if (any && count > 0 && found.length > count) {
    throw new UnreplayableError('with ANY the server takes whichever it meets first')
  }
  if (order !== undefined || count > 0) {
    found.sort((one, other) => (order === 'DESC' ? other.distance - one.distance : one.distance - other.distance))
  }
  return count > 0 ? found.slice(0, count) : found
}

/** Stores what was found at an argument, with the places or their distances as scores. */
function store(call: Call, arg: number, found: readonly Found[], distanceUnit: number | undefined): void {
  const set = new SortedSetValue(call.keyspace.arena)
  for (const {member, score, distance} of found) {
    set.set(member, 0, member.length, distanceUnit === undefined ? score : distance / distanceUnit)
  }
  call.remove(arg)
  if (set.size > 0) call.make(arg, set)
}

function memberAt(call: Call, key: number, arg: number): GeoPoint | undefined {
  const set = call.lookup(key, SortedSetValue)
  if (set === undefined) return undefined
  const score = set.score(call.bytes, call.start(arg), call.end(arg))
  if (score === undefined) throw new ReplyError('ERR could not decode requested zset member')
  return geopoint(score)
}

const NOWHERE: GeoPoint = {longitude: 0, latitude: 0}

function radiusAt(call: Call, arg: number, what: string): number {
  const radius = call.double(arg, `ERR need numeric ${what}`)
  if (radius < 0) throw new ReplyError(`ERR ${what} cannot be negative`)
  return radius
}

/** COUNT n [ANY], ASC, DESC: how many arguments it takes; 0 where it is none of these. */
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

/** key (longitude latitude | member) radius unit [options] [STORE key] [STOREDIST key] */
function georadius(byMember: boolean): (call: Call) => void {
  return call => {
    const at = byMember ? 3 : 4
    const source = call.lookup(1, SortedSetValue)
    const center = byMember ? (memberAt(call, 1, 2) ?? NOWHERE) : pointAt(call, 2)
    const metresPerUnit = unitAt(call, at + 1)
    const width = radiusAt(call, at, 'radius') * metresPerUnit
    const wanted: Search = {center, width, height: undefined, metresPerUnit, order: undefined, count: 0, any: false}
    let storeArg = 0
    let distances = false
    for (let arg = at + 2; arg < call.argc; ) {
      const taken = commonOption(call, arg, wanted)
      if (taken > 0) arg += taken
      else if (['WITHDIST', 'WITHHASH', 'WITHCOORD'].some(word => call.is(arg, word))) arg++
      else if ((call.is(arg, 'STORE') || call.is(arg, 'STOREDIST')) && arg + 1 < call.argc) {
        distances = call.is(arg, 'STOREDIST')
        storeArg = arg + 1
        arg += 2
      } else throw syntaxError()
    }
    if (storeArg === 0) return
    const found = source === undefined ? [] : search(source, wanted)
    store(call, storeArg, found, distances ? metresPerUnit : undefined)
  }
}

/** destination source FROMMEMBER m|FROMLONLAT lon lat BYRADIUS r unit|BYBOX w h unit [options] [STOREDIST] */
function geosearchstore(call: Call): void {
  const source = call.lookup(2, SortedSetValue)
  const wanted: Search = {
    ...{center: NOWHERE, width: -1, height: undefined, metresPerUnit: 1},
    ...{order: undefined, count: 0, any: false},
  }
  let centered = false
  let distances = false
  for (let arg = 3; arg < call.argc; ) {
    const left = call.argc - arg - 1
    const taken = commonOption(call, arg, wanted)
    if (taken > 0) arg += taken
    else if (call.is(arg, 'STOREDIST')) {
      distances = true
      arg++
    } else if (call.is(arg, 'FROMLONLAT') && left >= 2) {
      wanted.center = pointAt(call, arg + 1)
      centered = true
      arg += 3
    } else if (call.is(arg, 'FROMMEMBER') && left >= 1) {
      wanted.center = memberAt(call, 2, arg + 1) ?? NOWHERE
      centered = true
      arg += 2
    } else if (call.is(arg, 'BYRADIUS') && left >= 2) {
      wanted.metresPerUnit = unitAt(call, arg + 2)
      wanted.width = radiusAt(call, arg + 1, 'radius') * wanted.metresPerUnit
      arg += 3
    } else if (call.is(arg, 'BYBOX') && left >= 3) {
      wanted.metresPerUnit = unitAt(call, arg + 3)
      wanted.width = radiusAt(call, arg + 1, 'width') * wanted.metresPerUnit
      wanted.height = radiusAt(call, arg + 2, 'height') * wanted.metresPerUnit
      arg += 4
    } else if (call.is(arg, 'BYPOLYGON')) {
      throw new UnreplayableError('which places lie in a polygon is not worked out here')
    } else throw syntaxError()
  }
  if (!centered) throw new ReplyError('ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearchstore')
  if (wanted.width < 0)
    throw new ReplyError('ERR exactly one of BYRADIUS and BYBOX can be specified for geosearchstore')
  const found = source === undefined ? [] : search(source, wanted)
  store(call, 1, found, distances ? wanted.metresPerUnit : undefined)
}

export const geoCommands: CommandFamily = {
  GEOADD: keyed(-5, geoadd),
  GEORADIUS: keyed(-6, georadius(false)),
  GEORADIUSBYMEMBER: keyed(-5, georadius(true)),
  GEOSEARCHSTORE: keyed(-8, geosearchstore),
}
