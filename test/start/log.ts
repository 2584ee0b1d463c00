/** Append-only logs for one test, from commands as words. */
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** A command as servers write it. */
export function frame(...args: string[]): string {
  return `*${args.length}\r\n${args.map(arg => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`
}

/** SET of each key. */
export const sets = (...keys: string[]): string => keys.map(key => frame('SET', key, '1')).join('')

/** What follows was written in this second. */
export const at = (unixSeconds: number): string => `#TS:${unixSeconds}\r\n`

/** Writes a folder with a manifest of these files, in their order: the numbers in their names are their sequences. */
export function writeLog(path: string, files: Record<string, string | Uint8Array>, manifest?: string): string {
  mkdirSync(path, {recursive: true})
  const lines = Object.keys(files).map((name, i) => {
    return `file ${name} seq ${/\.(\d+)\./.exec(name)?.[1] ?? i + 1} type ${/base/.test(name) ? 'b' : 'i'}\n`
  })
  writeFileSync(join(path, 'appendonly.aof.manifest'), manifest ?? lines.join(''))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}
