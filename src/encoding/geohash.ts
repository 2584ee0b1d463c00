/**
 * Places on earth as scores of sorted sets: 26 bits of latitude and of longitude
 * in turn, longitude first (redis 7.0 geohash.c, geohash_helper.c).
 *
 * Sines and cosines are this machine's own: a stored distance may differ from a server's in its last bit.
 */

const LONGITUDE_MAX = 180
/** Of the square projection that web maps use. */
const LATITUDE_MAX = 85.05112878
const STEPS = 2 ** 26
const EARTH_RADIUS_M = 6_372_797.560856
const RADIANS = Math.PI / 180

export interface GeoPoint {
  longitude: number
  latitude: number
}

export function isOnMap({longitude, latitude}: GeoPoint): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX
}

/** The score of a place: an integer of 52 bits. */
export function geohash({longitude, latitude}: GeoPoint): number {
  const x = Math.floor(((longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX)) * STEPS)
  const y = Math.floor(((latitude + LATITUDE_MAX) / (2 * LATITUDE_MAX)) * STEPS)
  let score = 0
  for (let bit = 25; bit >= 0; bit--) score = score * 4 + ((x / 2 ** bit) & 1) * 2 + ((y / 2 ** bit) & 1)
  return score
}

/** The middle of the cell that a score names. */
export function geopoint(score: number): GeoPoint {
  let x = 0
  let y = 0
  for (let bit = 25; bit >= 0; bit--) {
    const pair = Math.floor(score / 4 ** bit) % 4
    x = x * 2 + (pair >> 1)
    y = y * 2 + (pair & 1)
  }
  return {longitude: middle(x, LONGITUDE_MAX), latitude: middle(y, LATITUDE_MAX)}
}

function middle(cell: number, max: number): number {
  const low = -max + (cell / STEPS) * (2 * max)
  const high = -max + ((cell + 1) / STEPS) * (2 * max)
  return Math.min(Math.max((low + high) / 2, -max), max)
}

function latitudeDistance(one: number, other: number): number {
  return EARTH_RADIUS_M * Math.abs(other * RADIANS - one * RADIANS)
}

/** Metres between two places, by the haversine formula. */
export function distanceBetween(one: GeoPoint, other: GeoPoint): number {
  const v = Math.sin((other.longitude * RADIANS - one.longitude * RADIANS) / 2)
  if (v === 0) return latitudeDistance(one.latitude, other.latitude)
  const first = one.latitude * RADIANS
  const second = other.latitude * RADIANS
  const u = Math.sin((second - first) / 2)
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(u * u + Math.cos(first) * Math.cos(second) * v * v))
}

/** Metres to a place in a rectangle around another; undefined where it lies outside. */
export function distanceWithin(center: GeoPoint, place: GeoPoint, widthM: number, heightM: number): number | undefined {
  if (latitudeDistance(place.latitude, center.latitude) > heightM / 2) return undefined
  const across = distanceBetween(place, {longitude: center.longitude, latitude: place.latitude})
  return across > widthM / 2 ? undefined : distanceBetween(center, place)
}
