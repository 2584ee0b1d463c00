/**
 * Fetches Chromium of this machine's own Debian release, with its libraries and two families of fonts, and unpacks it into
 * a cache folder, as test/server/fetch.js does with servers: nothing is installed, and no root is needed. Does nothing where
 * a browser is there.
 */

import {appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {onPath} from '../server/catalog.js'
import {aptRoot, closure, findMirror, run} from '../server/fetch.js'
import {browserFolder, findBrowser} from './chromium.js'

const PACKAGES = ['fonts-liberation', 'fonts-dejavu-core', 'chromium-common', 'chromium-headless-shell']
/** The machine's own: all its programs use them. */
const LOADED_ALREADY = /^libc6$|^libc-bin$/

/** The name of the machine's Debian release, as its apt has it. */
function ownSuite() {
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(ORIGIN)\t$(LABEL)\t$(CODENAME)',
    'Created-By: Packages',
  ])
  for (const line of targets.split('\n')) {
    const [origin, label, codename] = line.split('\t')
    if (origin === 'Debian' && label === 'Debian' && codename) return codename
  }
  throw new Error('apt of this machine knows no release of Debian')
}

/**
 * @param {string} fonts
 * @param {string} cache
 */
function fontsConfig(fonts, cache) {
  const prefer = (/** @type {string} */ family, /** @type {string} */ font) =>
    `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`
  const families = [
    prefer('system-ui', 'Liberation Sans'),
    prefer('sans-serif', 'Liberation Sans'),
    prefer('monospace', 'Liberation Mono'),
  ]
  return `<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir>${families.join('')}</fontconfig>\n`
}

function fetchBrowser() {
  for (const tool of ['apt-get', 'apt-cache', 'dpkg-deb']) {
    if (!onPath(tool)) throw new Error(`there is no ${tool}`)
  }
  const target = browserFolder()
  const work = `${target}.${process.pid}`
  rmSync(work, {recursive: true, force: true})
  try {
    const apt = join(work, 'apt')
    const options = aptRoot(apt, ownSuite(), findMirror())
    run('apt-get', [...options, 'update', '-qq'])
    const archives = join(work, 'archives')
    mkdirSync(archives)
    const names = closure(options, PACKAGES).filter(name => !LOADED_ALREADY.test(name))
    run('apt-get', [...options, 'download', '-qq', ...names], archives)
    const root = join(work, 'root')
    mkdirSync(root)
    for (const name of readdirSync(archives)) run('dpkg-deb', ['--extract', join(archives, name), root])
    for (const spent of [apt, archives]) rmSync(spent, {recursive: true, force: true})
    const fonts = join(target, 'root/usr/share/fonts')
    writeFileSync(join(work, 'fonts.conf'), fontsConfig(fonts, join(target, 'fonts-cache')))
    rmSync(target, {recursive: true, force: true})
    renameSync(work, target)
  } finally {
    rmSync(work, {recursive: true, force: true})
  }
}

function main() {
  const here = findBrowser()
  if (typeof here !== 'string') {
    process.stdout.write(`chromium: ${here.command} is here\n`)
    return
  }
  try {
    fetchBrowser()
    process.stdout.write('chromium: fetched\n')
  } catch (error) {
    const words = `chromium cannot be had: ${/** @type {Error} */ (error).message}`
    process.stderr.write(`${words}\n`)
    const summary = process.env['GITHUB_STEP_SUMMARY']
    if (summary) appendFileSync(summary, `* SKIPPED: ${words.replaceAll('\n', ' ')}\n`)
    if (!process.env['CI']) process.exitCode = 1
  }
}

main()
