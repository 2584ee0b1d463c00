/** The page of `inspect --html` in a browser: what it shows, what it does, and what it never does. */
import {readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import type {BrowserContextOptions, Locator} from 'playwright-core'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {totalOf} from '../../src/analysis/inventory-total.js'
import {inspect} from '../../src/jobs/inspect.js'
import {inspectionPage} from '../../src/report/inspection-page.js'
import {formatBytes, shorten} from '../../src/report/text.js'
import {formatCount, formatSize} from '../../src/report/units.js'
import type {Json} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {rdbtool} from '../start/run.js'
import {closeBrowser, missingBrowser, type OpenPage, openPage} from './open-page.js'
import {HOSTILE, hostile, jsonLines, type Line, manyPrefixes, shop} from './page-inputs.js'

const NOW = '2050-01-01T00:00:00Z'
const PAGE_BYTES_MAX = 3 * 1024 * 1024

describe.skipIf(missingBrowser !== undefined)('the page', () => {
  const folder = temporaryFolder()
  const built = new Map<string, string>()
  afterAll(closeBrowser)

  async function build(name: string, lines: readonly Line[], ...args: string[]): Promise<string> {
    const source = folder.write(`${name}.jsonl`, jsonLines(lines))
    const page = join(folder.path, `${name}.html`)
    const finished = await rdbtool(['inspect', source, '--html', page, '--now', NOW, ...args])
    expect(finished).toMatchObject({code: 0, stderr: ''})
    built.set(name, page)
    return page
  }

  const open = (name: string, options?: BrowserContextOptions): Promise<OpenPage> => openPage(built.get(name)!, options)

  beforeAll(async () => {
    await build('shop', shop(Date.parse(NOW)), '--by', 'slot', '--server', 'valkey-9.1', '--server', 'redis-6.0')
    await build('hostile', hostile())
    await build('many', manyPrefixes(200, 60))
  })

  it.each(['shop', 'hostile', 'many'])('of %s complains of nothing, asks nobody, and is small', async name => {
    const {page, complaints, requests} = await open(name)
    await page.mouse.wheel(0, 3000)
    await page.locator('.treemap canvas').first().hover()
    expect({complaints, requests}).toEqual({complaints: [], requests: []})
    expect(statSync(built.get(name)!).size).toBeLessThan(PAGE_BYTES_MAX)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  })

  it('shows the numbers of the report', async () => {
    const {page} = await open('shop')
    const json = await jsonOf(join(folder.path, 'shop.jsonl'), '--server', 'valkey-9.1')
    expect(await page.title()).toContain('shop.jsonl')
    const tiles = await texts(page.locator('.tile-number'))
    expect(tiles[0]).toBe(formatCount(json.keys))
    expect(tiles[1]).toBe(formatSize(json.memoryBytes))
    const first = await texts(page.locator('#keys tbody tr').first().locator('td'))
    expect(first[0]).toBe(json.biggest[0].key)
    expect(first[1]).toBe(formatSize(json.biggest[0].memoryBytes))
    const prefixes = await texts(page.locator('#prefix-table tbody td:first-child'))
    expect(prefixes).toEqual(json.prefixes.slice(0, prefixes.length).map(({prefix}: Json) => prefix))
    expect(await texts(page.locator('#elements tbody code'))).toEqual(['export:full', 'body'])
    expect(await texts(page.locator('#elsewhere .name'))).toEqual(['valkey-9.1', 'redis-6.0'])
    for (const id of ['types', 'spread', 'databases', 'slots', 'prefixes']) {
      expect(await page.locator(`#${id}`).count(), id).toBe(1)
    }
    expect(await page.locator('.histogram svg').count()).toBe(2)
  })

  it('sorts by any column, both ways', async () => {
    const {page} = await open('shop')
    const section = page.locator('#keys')
    const numbers = async (column: number): Promise<number[]> =>
      (await texts(section.locator(`tbody td:nth-child(${column})`))).map(text => Number(text.replace(/\D/g, '') || -1))
    await section.locator('th button', {hasText: 'Elements'}).click()
    const column = 1 + (await texts(section.locator('th'))).indexOf('Elements')
    const largest = await numbers(column)
    expect(largest).toEqual([...largest].sort((a, b) => b - a))
    expect(largest[0]).toBe(750)
    await section.locator('th button', {hasText: 'Elements'}).click()
    expect(await section.locator('th[aria-sort="ascending"]').textContent()).toBe('Elements')
    const smallest = await numbers(column)
    expect(smallest).toEqual([...smallest].sort((a, b) => a - b))
    await section.locator('th button', {hasText: 'Key'}).click()
    const keys = await texts(section.locator('tbody td:first-child'))
    expect(keys).toEqual([...keys].sort())
  })

  it('filters by words and by type, and shows more', async () => {
    const {page} = await open('shop')
    const section = page.locator('#keys')
    const rows = section.locator('tbody tr')
    expect(await rows.count()).toBe(15)
    await section.getByRole('button', {name: 'Show more'}).click()
    expect(await rows.count()).toBe(115)
    await section.getByRole('searchbox').fill('BOARD:')
    expect(await rows.count()).toBe(12)
    expect(await section.locator('.count').textContent()).toBe('12, filtered from 433')
    await section.getByRole('searchbox').fill('')
    await section.getByLabel('Any type').selectOption('hash')
    const column = 1 + (await texts(section.locator('th'))).indexOf('Type')
    expect(new Set(await texts(section.locator(`tbody td:nth-child(${column})`)))).toEqual(new Set(['hash']))
    await section.getByLabel('Any database').selectOption('db 3')
    expect(await texts(rows.locator('td:first-child'))).toEqual(['export:full'])
    await section.getByRole('searchbox').fill('nothing is called that')
    expect(await section.locator('.count').textContent()).toBe('None, filtered from 433')
  })

  it('shows what is inside of the prefix that is clicked, and nothing else, all over the map', async () => {
    const {page} = await open('shop')
    await settled(page)
    const crumbs = page.locator('.path')
    const all = await areas(page)
    expect([...new Set(all.map(name => name?.split(':')[0]))].sort()).toEqual(['board', 'export', 'session', 'user'])
    await clickArea(page, 'board:')
    expect(await crumbs.textContent()).toMatch(/^all keysboard: [\d.]+ KiB \([\d.]+ %\)$/)
    expect(new Set(await areas(page))).toEqual(new Set(['board:daily:', 'board:weekly:']))
    // It stays there when something else is asked about the same place.
    await page.getByRole('group', {name: 'Area'}).getByRole('button', {name: 'Keys'}).click()
    await page.getByRole('button', {name: 'By expiry'}).click()
    expect(await crumbs.textContent()).toBe('all keysboard: 12 (2.8 %)')
    await settled(page)
    expect(new Set(await areas(page))).toEqual(new Set(['board:daily:', 'board:weekly:']))
    // Nothing is inside of these.
    await clickArea(page, 'board:daily:')
    expect(await crumbs.textContent()).toBe('all keysboard: 12 (2.8 %)')
    await page.getByRole('button', {name: 'all keys'}).click()
    await page.getByRole('group', {name: 'Area'}).getByRole('button', {name: 'Memory'}).click()
    expect(await crumbs.textContent()).toMatch(/^all keys [\d.]+ KiB$/)
    await settled(page)
    expect(await areas(page)).toEqual(all)
  })

  it.each(['light', 'dark'] as const)('has areas on which white text can be read, %s', async scheme => {
    for (const name of ['shop', 'hostile']) {
      const {page} = await open(name, {colorScheme: scheme})
      for (const colours of ['By prefix', 'By expiry']) {
        await page.getByRole('button', {name: colours}).click()
        await settled(page)
        const contrasts = await contrastsWithWhite(page)
        expect(contrasts.length).toBeGreaterThan(colours === 'By prefix' ? 5 : 0)
        expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('draws areas and columns by another measure', async () => {
    const {page, complaints} = await open('shop')
    await settled(page)
    const before = await page.locator('.treemap').screenshot()
    const figure = page.locator('#ttl')
    const drawn = await figure.locator('svg').innerHTML()
    await page.getByRole('group', {name: 'Area'}).getByRole('button', {name: 'Keys'}).click()
    await figure.getByRole('button', {name: 'Keys'}).click()
    await settled(page)
    expect((await page.locator('.treemap').screenshot()).equals(before)).toBe(false)
    expect(await figure.locator('svg').innerHTML()).not.toBe(drawn)
    await page.getByRole('button', {name: 'By expiry'}).click()
    expect(await page.locator('.legend-scale').isVisible()).toBe(true)
    expect(complaints).toEqual([])
  })

  it('is light or dark as the system is, until somebody chooses', async () => {
    const colours = async (scheme: 'light' | 'dark'): Promise<string[]> => {
      const {page} = await open('shop', {colorScheme: scheme})
      const background = 'getComputedStyle(document.body).backgroundColor'
      const first = await page.evaluate<string>(background)
      await page.locator('button.theme').click()
      const chosen = await page.evaluate<string>(background)
      await page.emulateMedia({colorScheme: scheme === 'light' ? 'dark' : 'light'})
      expect(await page.evaluate(background)).toBe(chosen)
      return [first, chosen]
    }
    const [light, chosenDark] = await colours('light')
    const [dark, chosenLight] = await colours('dark')
    expect(light).not.toBe(dark)
    expect([chosenDark, chosenLight]).toEqual([dark, light])
  })

  it.each([1280, 760, 400])('fits %i columns of pixels', async width => {
    for (const name of ['shop', 'hostile']) {
      const {page} = await open(name, {viewport: {width, height: 800}})
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      for (const chart of await page.locator('.chart').all()) {
        expect((await chart.boundingBox())!.width).toBeLessThanOrEqual(width)
      }
    }
  })

  it('prints light, without what nobody can press on paper', async () => {
    const {page, complaints} = await open('shop', {colorScheme: 'dark'})
    await page.emulateMedia({media: 'print', colorScheme: 'dark'})
    expect(await page.locator('button:visible, input:visible, select:visible').evaluateAll(all => all.length)).toBe(
      await page.locator('th button').count(),
    )
    expect(await page.evaluate('document.documentElement.dataset.scheme')).toBe('light')
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)')
    const pdf = await page.pdf({format: 'A4'})
    expect(pdf.length).toBeGreaterThan(20_000)
    expect(complaints).toEqual([])
  })

  it('shows names that mean harm as text, as a terminal does', async () => {
    const {page} = await open('hostile')
    const keys = page.locator('#keys')
    await keys.getByRole('button', {name: 'Show more'}).click()
    const shown = await texts(keys.locator('tbody td:first-child'))
    for (const name of HOSTILE) {
      const bytes = typeof name === 'string' ? Buffer.from(name) : Buffer.from(name.base64, 'base64')
      const text = shorten(formatBytes(bytes), 160)
      expect(shown.some(one => one === text || one.startsWith(`${text} (`) || one.startsWith(text.slice(0, 40)))).toBe(
        true,
      )
    }
    expect(shown.join('')).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u2028\u2029]/)
    expect(shown.some(text => text.includes('\\xff\\xfe<img>\\x00\\x80'))).toBe(true)
    expect(await page.locator('img, svg[onload], #page script, iframe').count()).toBe(0)
    for (const [x, y] of [
      [100, 150],
      [400, 300],
      [700, 420],
      [1000, 200],
    ] as const) {
      await page.locator('.treemap').hover({position: {x, y}})
      await page.locator('.tip').first().waitFor({state: 'attached'})
    }
    expect(await page.locator('.tip img, .tip script').count()).toBe(0)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  })

  it('has ten thousand prefixes, and finds any of them', async () => {
    const {page} = await open('many')
    expect(await page.locator('#prefixes .note').textContent()).toMatch(/^10,000 prefixes of 12,200, the largest/)
    const section = page.locator('#prefix-table')
    expect(await section.locator('.count').textContent()).toBe('15 of 10,000')
    await section.getByRole('searchbox').fill('group7:')
    await section.getByLabel('Any depth').selectOption('1 part')
    expect(await texts(section.locator('tbody td:first-child'))).toEqual(['group7:'])
  })

  it('has several sources and their sum, and what has grown', async () => {
    const [shopPath, manyPath] = ['shop', 'many'].map(name => join(folder.path, `${name}.jsonl`)) as [string, string]
    const both = join(folder.path, 'both.html')
    expect(await rdbtool(['inspect', shopPath, manyPath, '--html', both, '-q'])).toMatchObject({code: 0})
    const {page, complaints} = await openPage(both)
    expect(await page.locator('.tile-number').first().textContent()).toBe(formatCount(433 + 12_000))
    await page.getByLabel('Source', {exact: true}).selectOption({label: shopPath})
    expect(await page.locator('.tile-number').first().textContent()).toBe('433')
    expect(await page.locator('h1 .file').textContent()).toBe('shop.jsonl')
    expect(complaints).toEqual([])
    expect(await page.locator('.failure').count()).toBe(0)
    const grown = join(folder.path, 'grown.html')
    expect(await rdbtool(['inspect', manyPath, '--since', shopPath, '--html', grown, '-q'])).toMatchObject({code: 0})
    const since = (await openPage(grown)).page.locator('#growth')
    // The prefix that grew most, and its keys: none of them was there.
    expect(await texts(since.locator('tbody tr').first().locator('td:nth-child(-n + 3)'))).toEqual([
      expect.stringMatching(/^[a-z0-9]+:$/),
      expect.any(String),
      expect.stringMatching(/^[+-]/),
    ])
    await since.getByRole('button', {name: 'All'}).click()
    expect(await texts(since.locator('tbody td:nth-child(-n + 3)'))).toEqual(['all keys', '12,000', '+11,567'])
  })

  it('says above the sum which sources are not in it, and why', async () => {
    const [whole, shopPath] = [join(folder.path, 'hostile.jsonl'), join(folder.path, 'shop.jsonl')]
    const cut = folder.write('cut.jsonl', `${readFileSync(shopPath, 'utf8').slice(0, 40_000)}\n`)
    const names = [whole, cut, join(folder.path, 'missing.jsonl')]
    const nowMs = Date.parse(NOW)
    const spread = {nowMs, top: 10, prefixes: {}}
    const options = {
      top: 10,
      nowMs,
      spread,
      memory: {},
      ignoreChecksum: false,
      skipUnsupported: false,
      onlyCreates: false,
    }
    const paged = await Promise.all(names.map(name => inspect(name, options)))
    const counted = paged.flatMap(one => (one.inventory === undefined ? [] : [{...one, inventory: one.inventory}]))
    const bytes = inspectionPage(paged, totalOf(counted, 10), {version: '0', nowMs, madeAtMs: nowMs})
    const {page, complaints} = await openPage(folder.write('holes.html', bytes))
    expect(await page.title()).toBe('2 of 3 sources – rdbtool')
    const note = page.getByRole('alert')
    expect(await note.textContent()).toBe(
      `These are not the numbers of all 3 sources.1 could not be read: ${names[2]}1 could be read only in part: ${cut}`,
    )
    expect(await page.locator('#warnings .warning-text').allTextContents()).toEqual([
      expect.stringContaining(`${whole}: `),
    ])
    await note.getByRole('button', {name: 'cut.jsonl'}).click()
    expect(await note.textContent()).toMatch(/^Not all of it could be read\. .*TRUNCATED/s)
    await page.getByLabel('Source', {exact: true}).selectOption({label: names[2]!})
    expect(await note.textContent()).toMatch(/^Nothing of it could be read\. .*ENOENT/s)
    expect(await page.locator('.tile').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  async function jsonOf(...args: string[]): Promise<Json> {
    const {stdout} = await rdbtool(['inspect', ...args, '--json', '--now', NOW, '--top', '15'])
    return JSON.parse(stdout)
  }
})

async function texts(locator: Locator): Promise<string[]> {
  return (await locator.allTextContents()).map(text => text.trim())
}

/** Charts move for a while: two pictures in a row that are the same say that they have come to rest. */
async function settled(page: OpenPage['page']): Promise<void> {
  let before: Buffer = Buffer.alloc(0)
  for (;;) {
    const now = await page.locator('.treemap').screenshot()
    if (now.equals(before)) return
    before = now
    await page.waitForTimeout(150)
  }
}

const COLUMNS = 14
const ROWS = 9

/** What the map says where somebody points at it: at its very corners, and between them. No answer is `undefined`. */
async function areas(page: OpenPage['page']): Promise<(string | undefined)[]> {
  return (await pointedAt(page)).map(({name}) => name)
}

async function pointedAt(page: OpenPage['page']): Promise<{name?: string; x: number; y: number}[]> {
  await page.locator('.treemap').scrollIntoViewIfNeeded()
  return page.evaluate(`(() => {
    const map = document.querySelector('.treemap')
    const {left, top, width, height} = map.getBoundingClientRect()
    const found = []
    for (let row = 0; row < ${ROWS}; row++) {
      for (let column = 0; column < ${COLUMNS}; column++) {
        const x = left + 6 + (column / ${COLUMNS - 1}) * (width - 12)
        const y = top + 6 + (row / ${ROWS - 1}) * (height - 12)
        // Not what it said before.
        for (const tip of document.querySelectorAll('.tip')) tip.remove()
        const at = {clientX: x, clientY: y, bubbles: true, pointerType: 'mouse'}
        const canvas = map.querySelector('canvas')
        canvas.dispatchEvent(new PointerEvent('pointermove', at))
        canvas.dispatchEvent(new MouseEvent('mousemove', at))
        found.push({name: map.querySelector('.tip-title')?.textContent, x, y})
      }
    }
    return found
  })()`)
}

/** Clicks where the map says that it is that prefix. */
async function clickArea(page: OpenPage['page'], prefix: string): Promise<void> {
  const at = (await pointedAt(page)).find(({name}) => name === prefix)
  if (at === undefined) throw new Error(`${prefix} is nowhere on the map`)
  await page.mouse.click(at.x, at.y)
  return settled(page)
}

/** Of every colour that fills a part of the map, by the formula of WCAG; the paper between areas is none of them. */
async function contrastsWithWhite(page: OpenPage['page']): Promise<number[]> {
  const fills = await page.evaluate<[red: number, green: number, blue: number][]>(`(() => {
    const canvas = document.querySelector('.treemap canvas')
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const counts = new Map()
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] !== 255) continue
      const name = data.slice(at, at + 3).join()
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const paper = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).join()
    counts.delete(paper)
    counts.delete('255,255,255')
    return [...counts].filter(([, count]) => count > 1500).map(([name]) => name.split(',').map(Number))
  })()`)
  return fills.map(parts => {
    const [red, green, blue] = parts.map(part => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    }) as [number, number, number]
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
  })
}
