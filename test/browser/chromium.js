/**
 * The browser that looks at our pages: the one that RDBTOOL_CHROMIUM names, one of PATH, or the one that fetch.js has
 * unpacked into the cache folder, outside the tree.
 */

import {existsSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {onPath, serversFolder} from '../server/catalog.js'

/** @typedef {{command: string, env: Record<string, string>}} Browser */

const NAMES = ['chromium', 'chromium-headless-shell', 'chromium-browser', 'google-chrome']

/** Where fetch.js unpacks it. */
export function browserFolder() {
  return join(dirname(serversFolder()), 'chromium')
}

/**
 * The browser, or in words why there is none.
 * @returns {Browser | string}
 */
export function findBrowser() {
  const given = process.env['RDBTOOL_CHROMIUM'] || NAMES.map(onPath).find(path => path !== undefined)
  if (given) return {command: given, env: {}}
  return findUnpacked() ?? 'chromium is not on this machine: node test/browser/fetch.js fetches it'
}

/** @returns {Browser | undefined} */
function findUnpacked() {
  const folder = browserFolder()
  const root = join(folder, 'root')
  const command = join(root, 'usr/lib/chromium/chromium-headless-shell')
  if (!existsSync(command)) return undefined
  // Its processes start each other by their own path, so it is not run through a loader: libraries are of the machine's release.
  const folders = ['usr/lib', 'lib'].flatMap(one => [join(root, one, triplet()), join(root, one)])
  return {
    command,
    env: {
      LD_LIBRARY_PATH: [...folders, join(root, 'usr/lib', triplet(), 'pulseaudio')].join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  }
}

/** As Debian names folders of libraries. */
function triplet() {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
}
