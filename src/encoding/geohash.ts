/**
 * Places on earth as scores of sorted sets: a grid of 2^26 by 2^26 cells whose
 * two numbers stand bit by bit in turn, longitude first (redis 7.0 geohash.c,
 * geohash_helper.c). Coarser grids have fewer bits of each: a cell of one is a
 * range of scores.
 */
import {arcsine, cosine, sine} from './rounded-sine.js'

const LONGITUDE_MAX = 180
/** Of the square projection that web maps use. */
const LATITUDE_MAX = 85.05112878
/** Bits of each number in a score. */
export const STEPS_MAX = 26
export const EARTH_RADIUS_M = 6_372_797.560856
export const RADIANS = Math.PI / 180

export interface GeoPoint {
  longitude: number
  latitude: number
}

/** A cell of a grid of 2^steps by 2^steps. */
export interface GeoCell {
  /** From the west on, and from the south on. */
  x: number
  y: number
  steps: number
}

export interface GeoBounds {
  west: number
  east: number
  south: number
  north: number
}

export function isOnMap({longitude, latitude}: GeoPoint): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX
}

/** The cell that a place lies in; at the very north and east it is one that is no more in the grid, as in servers. */
export function cellOf({longitude, latitude}: GeoPoint, steps: number): GeoCell {
  const x = Math.floor(((longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX)) * 2 ** steps)
  const y = Math.floor(((latitude + LATITUDE_MAX) / (2 * LATITUDE_MAX)) * 2 ** steps)
  return {x, y, steps}
}

export function boundsOf({x, y, steps}: GeoCell): GeoBounds {
  return {
    west: edge(x, steps, LONGITUDE_MAX),
    east: edge(x + 1, steps, LONGITUDE_MAX),
    south: edge(y, steps, LATITUDE_MAX),
    north: edge(y + 1, steps, LATITUDE_MAX),
  }
}

function edge(number: number, steps: number, max: number): number {
  return -max + (number / 2 ** steps) * (2 * max)
}

/** Scores of a cell: from the first one up to the second, which is not its own. */
export function scoresOf({x, y, steps}: GeoCell): [from: number, to: number] {
  const unit = 4 ** (STEPS_MAX - steps)
  const bits = interleaved(x, y)
  return [bits * unit, (bits + 1) * unit]
}

/** The score of a place: an integer of 52 bits, or 54 at the edges. */
export function geohash(point: GeoPoint): number {
  const {x, y} = cellOf(point, STEPS_MAX)
  return interleaved(x, y)
}

function interleaved(x: number, y: number): number {
  const low = (spread(x & 0xffff) * 2 + spread(y & 0xffff)) >>> 0
  return (spread(x >>> 16) * 2 + spread(y >>> 16)) * 2 ** 32 + low
}

/** Puts a nought before each of 16 bits. */
function spread(bits: number): number {
  let spread = (bits | (bits << 8)) & 0x00ff00ff
  spread = (spread | (spread << 4)) & 0x0f0f0f0f
  spread = (spread | (spread << 2)) & 0x33333333
  return (spread | (spread << 1)) & 0x55555555
}

/** The middle of the cell that a score names; scores that are none of a place name one, too. */
export function geopoint(score: number): GeoPoint {
  const whole = Math.trunc(score)
  const high = Math.floor(whole / 2 ** 32)
  const low = whole - high * 2 ** 32
  const x = squeezed(high >>> 1) * 2 ** 16 + squeezed(low >>> 1)
  const y = squeezed(high) * 2 ** 16 + squeezed(low)
  const {west, east, south, north} = boundsOf({x, y, steps: STEPS_MAX})
  return {longitude: middle(west, east, LONGITUDE_MAX), latitude: middle(south, north, LATITUDE_MAX)}
}

/** Every second bit of 32, the lowest first. */
function squeezed(bits: number): number {
  let squeezed = bits & 0x55555555
  squeezed = (squeezed | (squeezed >>> 1)) & 0x33333333
  squeezed = (squeezed | (squeezed >>> 2)) & 0x0f0f0f0f
  squeezed = (squeezed | (squeezed >>> 4)) & 0x00ff00ff
  return (squeezed | (squeezed >>> 8)) & 0xffff
}

function middle(low: number, high: number, max: number): number {
  return Math.min(Math.max((low + high) / 2, -max), max)
}

function latitudeDistance(one: number, other: number): number {
  return EARTH_RADIUS_M * Math.abs(other * RADIANS - one * RADIANS)
}

/** Metres between two places, by the haversine formula. */
export function distanceBetween(one: GeoPoint, other: GeoPoint): number {
  const v = sine((other.longitude * RADIANS - one.longitude * RADIANS) / 2)
  if (v === 0) return latitudeDistance(one.latitude, other.latitude)
  const first = one.latitude * RADIANS
  const second = other.latitude * RADIANS
  const u = sine((second - first) / 2)
  return 2 * EARTH_RADIUS_M * arcsine(Math.sqrt(u * u + cosine(first) * cosine(second) * v * v))
}

/** Metres to a place in a rectangle around another; undefined where it lies outside. */
export function distanceWithin(center: GeoPoint, place: GeoPoint, widthM: number, heightM: number): number | undefined {
  if (latitudeDistance(place.latitude, center.latitude) > heightM / 2) return undefined
  const across = distanceBetween(place, {longitude: center.longitude, latitude: place.latitude})
  return across > widthM / 2 ? undefined : distanceBetween(center, place)
}
