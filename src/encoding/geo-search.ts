/**
 * Where a server looks for the places within a circle or a rectangle: in the
 * cell of the middle and its eight neighbours, of a grid so coarse that no more
 * are needed (redis 7.0 geohash_helper.c, geo.c membersOfAllNeighbors). What
 * it meets first, of as many as it may, follows from the order of these.
 */
import {
  boundsOf,
  cellOf,
  distanceBetween,
  distanceWithin,
  EARTH_RADIUS_M,
  type GeoBounds,
  type GeoCell,
  type GeoPoint,
  RADIANS,
  STEPS_MAX,
} from './geohash.js'
import {cosine} from './rounded-sine.js'

/** Half of the circumference of the square map, in metres. */
const MERCATOR_MAX_M = 20_037_726.37

export interface GeoShape {
  center: GeoPoint
  /** Metres: of a rectangle; of a circle the radius, without a height. */
  width: number
  height: number | undefined
}

/** Metres from the middle to a place in a shape; undefined where it lies outside. */
export function distanceInShape({center, width, height}: GeoShape, place: GeoPoint): number | undefined {
  if (height !== undefined) return distanceWithin(center, place, width, height)
  const distance = distanceBetween(center, place)
  return distance > width ? undefined : distance
}

/** Where each neighbour lies, in the order that they are searched in. */
const NEIGHBOURS: readonly [x: number, y: number][] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
]

/** The cells to be searched, one behind the other. */
export function cellsAround(shape: GeoShape): GeoCell[] {
  const box = boxAround(shape)
  let cell = cellOf(shape.center, stepsFor(shape))
  if (cell.steps > 1 && !reaches(cell, box)) cell = cellOf(shape.center, cell.steps - 1)
  const own = boundsOf(cell)
  const found: GeoCell[] = []
  for (const [x, y] of NEIGHBOURS) {
    if (cell.steps >= 2 && isBeyond(x, y, own, box)) continue
    const next = neighbour(cell, x, y)
    const last = found.at(-1)
    // Of very coarse grids two neighbours are one.
    if (last === undefined || last.x !== next.x || last.y !== next.y || found.length === 1) found.push(next)
  }
  return found
}

/** Around the grid a neighbour is at the other side. */
function neighbour({x, y, steps}: GeoCell, east: number, north: number): GeoCell {
  const mask = 2 ** steps - 1
  return {x: east === 0 ? x : (x + east) & mask, y: north === 0 ? y : (y + north) & mask, steps}
}

/** Degrees that a shape takes at most. */
function boxAround({center, width, height}: GeoShape): GeoBounds {
  const {longitude, latitude} = center
  const up = height === undefined ? width : height / 2
  const aside = height === undefined ? width : width / 2
  const latitudes = up / EARTH_RADIUS_M / RADIANS
  // Towards the pole degrees of longitude are shorter.
  const narrow = latitude < 0 ? latitude - latitudes : latitude + latitudes
  const longitudes = aside / EARTH_RADIUS_M / cosine(narrow * RADIANS) / RADIANS
  return {
    west: longitude - longitudes,
    east: longitude + longitudes,
    south: latitude - latitudes,
    north: latitude + latitudes,
  }
}

/** How fine a grid may be whose nine cells cover a shape, mostly. */
function stepsFor({center: {latitude}, width, height}: GeoShape): number {
  let radius = height === undefined ? width : Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2))
  if (radius === 0) return STEPS_MAX
  let steps = 1
  for (; radius < MERCATOR_MAX_M; radius *= 2) steps++
  steps -= 2
  if (Math.abs(latitude) > 66) steps -= Math.abs(latitude) > 80 ? 2 : 1
  return Math.min(Math.max(steps, 1), STEPS_MAX)
}

/** Whether the neighbours of a cell reach to all sides of a box. */
function reaches(cell: GeoCell, box: GeoBounds): boolean {
  return (
    boundsOf(neighbour(cell, 0, 1)).north >= box.north &&
    boundsOf(neighbour(cell, 0, -1)).south <= box.south &&
    boundsOf(neighbour(cell, 1, 0)).east >= box.east &&
    boundsOf(neighbour(cell, -1, 0)).west <= box.west
  )
}

/** Whether a box ends before the neighbours of a cell on a side. */
function isBeyond(x: number, y: number, own: GeoBounds, box: GeoBounds): boolean {
  return (
    (y < 0 && own.south < box.south) ||
    (y > 0 && own.north > box.north) ||
    (x < 0 && own.west < box.west) ||
    (x > 0 && own.east > box.east)
  )
}
