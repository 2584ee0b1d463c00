/** Pages as a browser shows them: every message on its console and every request is noted. */
import {type Browser, type BrowserContextOptions, chromium, type Page} from 'playwright-core'
import {findBrowser} from './chromium.js'

export interface OpenPage {
  page: Page
  /** Errors and warnings of the console, policies that were broken among them, and errors that nobody caught. */
  complaints: string[]
  /** Whatever was asked of anybody but the file itself. */
  requests: string[]
}

const found = findBrowser()

/** In words why there is none; undefined where there is. */
export const missingBrowser = typeof found === 'string' ? found : undefined

let browser: Promise<Browser> | undefined

function launched(): Promise<Browser> {
  if (typeof found === 'string') throw new Error(found)
  const {command, env} = found
  browser ??= chromium.launch({executablePath: command, env: {...(process.env as Record<string, string>), ...env}})
  return browser
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = undefined
}

/** Opens a file, and waits until its charts are drawn. */
export async function openPage(path: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await (await launched()).newContext({viewport: {width: 1280, height: 900}, ...options})
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('request', request => {
    if (request.url() !== `file://${path}` && !request.url().startsWith('data:')) requests.push(request.url())
  })
  await page.goto(`file://${path}`)
  // Asked from outside: what would wait inside of the page may not run there.
  while (
    !(await page.evaluate<boolean>(
      `[...document.querySelectorAll('.chart')].every(place => place.querySelector('canvas, svg') !== null)`,
    ))
  ) {
    await page.waitForTimeout(50)
  }
  return {page, complaints, requests}
}
