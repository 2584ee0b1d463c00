/**
 * A report as one HTML file that needs nothing else: the page that the build has made, with a title and the data in it.
 *
 *   <title>…</title>
 *   <script type="application/json" id="data">…</script>
 */
import {readFileSync} from 'node:fs'
import {builtUrl} from '../bytes/built.js'
import type {PageData} from './page-data.js'

/** The bytes of a page. */
export function formatPage(data: PageData): Buffer {
  const places = new Map([
    ['title', escapedText(`${data.sources[0]?.name ?? ''} – rdbtool`)],
    ['data', embeddedJson(data)],
  ])
  const template = readFileSync(builtUrl('page/report.html'), 'utf8')
  // The script may hold such places too: only those of a name that we have are filled in, and what goes in is not looked at again.
  return Buffer.from(template.replace(/\{\{(title|data)\}\}/g, (_, name: string) => places.get(name)!))
}

/** JSON that no parser of HTML can take for anything else, nor one of old JavaScript for the end of a line. */
export function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function escapedText(text: string): string {
  const names: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;'}
  return text.replace(/[&<>]/g, character => names[character]!)
}
