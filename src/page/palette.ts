/** Colours that stand for something: of types, and of prefixes of the first part. Each has a form for either scheme. */
import type {Scheme} from './theme.js'

type Pair = readonly [light: string, dark: string]

const TYPES: Readonly<Record<string, Pair>> = {
  string: ['#3f6fb5', '#6f9fe6'],
  hash: ['#d9822b', '#eba04f'],
  list: ['#2f9077', '#4dbb9c'],
  set: ['#9a5fb0', '#bf8ad3'],
  zset: ['#c9485b', '#ec7484'],
  stream: ['#2b8fa6', '#55b8cf'],
  array: ['#a08b22', '#cdb64a'],
  module: ['#737a86', '#9aa2af'],
  cron: ['#8d6e55', '#b4937a'],
}

const PREFIXES: readonly Pair[] = [
  ['#3f6fb5', '#4a78bd'],
  ['#2f9077', '#35907a'],
  ['#c9703c', '#bd6f42'],
  ['#8a62ad', '#8865ab'],
  ['#b6495b', '#b2505f'],
  ['#2b8fa6', '#34899e'],
  ['#8f8327', '#8a7f36'],
  ['#5a6b8c', '#5f7091'],
  ['#a0557f', '#9d5a80'],
  ['#5d8a3a', '#5f8742'],
  ['#9a6b4f', '#94694f'],
  ['#4b7f8f', '#4d7e8d'],
]

export function typeColour(type: string, scheme: Scheme): string {
  return (TYPES[type] ?? TYPES['module']!)[scheme === 'dark' ? 1 : 0]
}

/** By rank; the same again after a dozen. */
export function prefixColour(rank: number, scheme: Scheme): string {
  return PREFIXES[rank % PREFIXES.length]![scheme === 'dark' ? 1 : 0]
}

/** Between two colours of six digits: 0 is the first. */
export function mixed(from: string, to: string, share: number): string {
  const part = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 2), 16)
  const digits = [1, 3, 5].map(at => Math.round(part(from, at) * (1 - share) + part(to, at) * share))
  return `#${digits.map(digit => digit.toString(16).padStart(2, '0')).join('')}`
}

/** Keys of which none expires, and of which all do; the style sheet has them in `.scale`. */
export const EXPIRY_COLOURS: Readonly<Record<Scheme, {kept: string; gone: string}>> = {
  light: {kept: '#bf4c35', gone: '#477aa6'},
  dark: {kept: '#b8543f', gone: '#477aa6'},
}

/** WCAG 2.2, 1.4.3: small text must stand out by so much. */
const CONTRAST_MIN = 4.5

/** The colour, as dark as white text on it needs it to be. */
export function underWhite(of: string): string {
  let dark = of
  for (let share = 0.03; contrastWithWhite(dark) < CONTRAST_MIN; share += 0.03) dark = mixed(of, '#000000', share)
  return dark
}

/** By the relative luminance that WCAG defines. */
export function contrastWithWhite(of: string): number {
  const [red, green, blue] = [1, 3, 5].map(at => {
    const part = Number.parseInt(of.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
}
