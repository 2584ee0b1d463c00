/**
 * Fetches servers of other Debian suites than this machine's, and unpacks them into the cache folder of catalog.js:
 *
 *   node test/server/fetch.js [name...]      all of the catalogue that are not there, unless some are named
 *
 * What cannot be had is an error, but in CI, where only the release's own server must be there: it is named, there also
 * in the summary of the run (GITHUB_STEP_SUMMARY), and the tests skip it.
 *
 * The packages come from the Debian mirror of the machine's own apt configuration (or RDBTOOL_DEBIAN_MIRROR), through
 * apt in a private root: nothing of the machine's apt or dpkg is changed, and signatures are checked as ever. Only the
 * date until which an index is valid is not: a mirror of an old suite does not renew it.
 */

import {execFileSync} from 'node:child_process'
import {appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {CATALOG, findServer, forgetServers, onPath, serversFolder} from './catalog.js'

/** @typedef {{uri: string, keyring: string}} Mirror */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 */
export function run(command, args, cwd) {
  try {
    // Sources of other products than Debian may need no key we have: their warnings are not ours to show.
    return execFileSync(command, args, {cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28})
  } catch (error) {
    const {stderr = '', message} = /** @type {{stderr?: string, message: string}} */ (error)
    const words = stderr.split('\n').filter(line => /^[EW]:/.test(line))
    throw new Error(words.length > 0 ? words.join('\n') : message)
  }
}

/**
 * The machine's mirror of Debian's main archive, and the keys that sign it.
 * @returns {Mirror}
 */
export function findMirror() {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  if (!existsSync(keyring)) throw new Error('this machine has no keys of Debian (package debian-archive-keyring)')
  const given = process.env['RDBTOOL_DEBIAN_MIRROR']
  if (given) return {uri: given, keyring}
  const format = '$(ORIGIN)\t$(LABEL)\t$(REPO_URI)'
  const targets = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  for (const line of targets.split('\n')) {
    const [origin, label, uri] = line.split('\t')
    if (origin === 'Debian' && label === 'Debian' && uri) return {uri, keyring}
  }
  throw new Error(
    'apt of this machine knows no mirror of Debian (or has no lists yet: apt-get update). ' +
      'RDBTOOL_DEBIAN_MIRROR may name one.',
  )
}

/**
 * A private root of apt for one suite; tells the options that make apt use it.
 * @param {string} folder
 * @param {string} suite
 * @param {Mirror} mirror
 */
export function aptRoot(folder, suite, {uri, keyring}) {
  for (const one of [
    'etc/apt.conf.d',
    'etc/preferences.d',
    'etc/sources.list.d',
    'state/lists/partial',
    'cache/archives/partial',
  ]) {
    mkdirSync(join(folder, one), {recursive: true})
  }
  writeFileSync(join(folder, 'status'), '')
  // Backports stand on their release; apt prefers the release unless told to take the newer ones (-t).
  const suites = suite.endsWith('-backports') ? [suite, suite.replace('-backports', '')] : [suite]
  const lines = suites.map(one => `deb [signed-by=${keyring}] ${uri} ${one} main\n`)
  writeFileSync(join(folder, 'etc/sources.list'), lines.join(''))
  return [
    ...['-o', `Dir::Etc=${join(folder, 'etc')}`, '-o', `Dir::State=${join(folder, 'state')}`],
    ...['-o', `Dir::State::status=${join(folder, 'status')}`, '-o', `Dir::Cache=${join(folder, 'cache')}`],
    ...['-o', 'Dir::Etc::sourcelist=sources.list', '-o', 'Dir::Etc::sourceparts=sources.list.d'],
    ...['-o', 'Acquire::Check-Valid-Until=false', '-o', 'Acquire::Languages=none', '-o', 'APT::Sandbox::User='],
    ...['-o', 'Acquire::Retries=2', '-o', 'APT::Update::Error-Mode=any'],
    ...(suites.length > 1 ? ['-t', suite] : []),
  ]
}

/**
 * The packages of a server and of all libraries it may load; not what its service needs.
 * @param {string[]} options
 * @param {string[]} packages
 */
export function closure(options, packages) {
  const hard = [
    '--recurse',
    '--no-recommends',
    '--no-suggests',
    '--no-conflicts',
    '--no-breaks',
    '--no-replaces',
    '--no-enhances',
  ]
  const text = run('apt-cache', [...options, 'depends', ...hard, ...packages.slice(1)])
  const names = text.split('\n').filter(line => /^(lib|lua-)[a-z0-9.+-]*$/.test(line))
  return [...new Set([...packages, ...names])]
}

/**
 * @param {string} folder
 * @param {(name: string) => boolean} wanted
 * @returns {string[]} paths
 */
export function findFiles(folder, wanted) {
  return readdirSync(folder, {withFileTypes: true}).flatMap(one => {
    const path = join(folder, one.name)
    return one.isDirectory() ? findFiles(path, wanted) : wanted(one.name) ? [path] : []
  })
}

/**
 * Unpacks the packages, and notes the dynamic loader and the folders of libraries.
 * @param {string} archives
 * @param {string} folder
 */
function unpack(archives, folder) {
  const root = join(folder, 'root')
  mkdirSync(root, {recursive: true})
  for (const name of readdirSync(archives).filter(one => one.endsWith('.deb'))) {
    run('dpkg-deb', ['--extract', join(archives, name), root])
  }
  const loader = findFiles(root, name => /^ld-linux.*\.so\.\d+$/.test(name))[0]
  if (!loader) throw new Error('the packages hold no dynamic loader')
  const libraries = findFiles(root, name => /^lib.*\.so(\.\d+)*$/.test(name) || /^(bit|cjson|struct)\.so/.test(name))
  const folders = [...new Set(libraries.map(path => relative(folder, dirname(path))))]
  writeFileSync(
    join(folder, 'loader.json'),
    `${JSON.stringify({loader: relative(folder, loader), libraries: folders})}\n`,
  )
}

/**
 * Fetches one server from the first suite that has it in the wanted line.
 * @param {import('./catalog.js').Entry} entry
 * @param {Mirror} mirror
 */
function fetchServer(entry, mirror) {
  const target = join(serversFolder(), entry.name)
  const reasons = []
  for (const suite of entry.suites) {
    const work = `${target}.${process.pid}`
    rmSync(work, {recursive: true, force: true})
    try {
      const apt = join(work, 'apt')
      const options = aptRoot(apt, suite, mirror)
      run('apt-get', [...options, 'update', '-qq'])
      const archives = join(work, 'archives')
      mkdirSync(archives)
      run('apt-get', [...options, 'download', '-qq', ...closure(options, entry.packages)], archives)
      unpack(archives, work)
      for (const spent of [apt, archives]) rmSync(spent, {recursive: true, force: true})
      rmSync(target, {recursive: true, force: true})
      renameSync(work, target)
      forgetServers()
      const found = findServer(entry.name)
      if (typeof found !== 'string') return found
      reasons.push(`${suite} carries another version than ${entry.line}, or it does not run here`)
    } catch (error) {
      reasons.push(`${suite}: ${/** @type {Error} */ (error).message}`)
    }
    rmSync(work, {recursive: true, force: true})
  }
  rmSync(target, {recursive: true, force: true})
  throw new Error(reasons.join('; '))
}

function main() {
  const names = process.argv.slice(2)
  for (const name of names) {
    if (!CATALOG.some(one => one.name === name)) throw new Error(String(findServer(name)))
  }
  for (const tool of ['apt-get', 'apt-cache', 'dpkg-deb']) {
    if (!onPath(tool)) throw new Error(`other servers cannot be fetched here: there is no ${tool}`)
  }
  // The release's own server is installed, not fetched, unless it is asked for.
  const wanted = CATALOG.filter(one => (names.length > 0 ? names.includes(one.name) : one.name !== 'redis-7.0'))
  const missing = []
  /** @type {Mirror | undefined} */
  let mirror
  for (const entry of wanted) {
    const here = findServer(entry.name)
    if (typeof here !== 'string') {
      process.stdout.write(`${entry.name}: ${here.version} is here\n`)
      continue
    }
    try {
      mirror ??= findMirror()
      const found = fetchServer(entry, mirror)
      process.stdout.write(`${entry.name}: ${found.version} fetched\n`)
    } catch (error) {
      missing.push(`${entry.name} cannot be had: ${/** @type {Error} */ (error).message}`)
      process.stderr.write(`${missing.at(-1)}\n`)
    }
  }
  if (missing.length === 0) return
  const summary = process.env['GITHUB_STEP_SUMMARY']
  if (summary) appendFileSync(summary, missing.map(words => `* SKIPPED: ${words.replaceAll('\n', ' ')}\n`).join(''))
  if (names.length > 0 || !process.env['CI']) process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
