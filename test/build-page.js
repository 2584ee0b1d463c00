/**
 * Makes dist/page/report.html: the page of `inspect --html` with its script and its style inside, and places for a title
 * and the data. The policy names the hashes of both, so that nothing else can run in it, whatever the data holds.
 */
import {createHash} from 'node:crypto'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {rolldown} from 'rolldown'

const page = new URL('../src/page/', import.meta.url)

/** The script as one file, as small as it gets: nobody reads a stack trace in it. */
async function script() {
  const bundle = await rolldown({
    input: new URL('page.ts', page).pathname,
    platform: 'browser',
    tsconfig: new URL('tsconfig.json', page).pathname,
    // A page without a part of its script would be found out by whoever opens it.
    onLog: (_level, {message}) => {
      throw new Error(`the page cannot be built: ${message}`)
    },
    transform: {target: 'es2022', define: {'process.env.NODE_ENV': '"production"'}},
  })
  const {output} = await bundle.generate({format: 'iife', minify: true})
  // In a script element this would end it, or begin a comment; in code both stand in strings and regular expressions only.
  return output[0].code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}

/** Without comments, line ends and indentation. */
function style() {
  return readFileSync(new URL('style.css', page), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\n\s*/g, '')
    .trim()
}

/** @param {string} text */
function hash(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

const parts = {script: await script(), style: style()}
const values = new Map([
  ...Object.entries(parts),
  ['script-hash', hash(parts.script)],
  ['style-hash', hash(parts.style)],
])
const template = readFileSync(new URL('report.html', page), 'utf8')
const whole = template.replace(/\{\{([a-z-]+)\}\}/g, (place, name) => values.get(name) ?? place)
mkdirSync(new URL('../dist/page/', import.meta.url), {recursive: true})
writeFileSync(new URL('../dist/page/report.html', import.meta.url), whole)
