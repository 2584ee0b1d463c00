/** A folder of a test file's own, gone after it. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll} from 'vitest'

/** Makes the folder; call it at the top of a test file. */
export function temporaryFolder(): {path: string; write: (name: string, bytes: Uint8Array | string) => string} {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-'))
  afterAll(() => rmSync(path, {recursive: true, force: true}))
  return {
    path,
    write: (name, bytes) => {
      writeFileSync(join(path, name), bytes)
      return join(path, name)
    },
  }
}
