import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {defaultLog} from '../../src/source/default-log.js'

let here: string
beforeEach(async () => {
  here = await mkdtemp(join(tmpdir(), 'rdbtool-test-'))
})
afterEach(async () => {
  await rm(here, {recursive: true, force: true})
})

const folder = (): string => join(here, 'appendonlydir')
const file = (): string => join(here, 'appendonly.aof')

async function makeFolder(...names: string[]): Promise<void> {
  await mkdir(folder())
  for (const name of names) await writeFile(join(folder(), name), '')
}

describe('the log that nobody names', () => {
  it('is the folder', async () => {
    await makeFolder('appendonly.aof.manifest')
    expect(await defaultLog(here)).toEqual({path: folder(), passedOver: undefined})
  })

  it('is the file where there is no folder', async () => {
    await writeFile(file(), '')
    expect(await defaultLog(here)).toEqual({path: file(), passedOver: undefined})
  })

  it('is the folder where both are there, and says what was passed over', async () => {
    await makeFolder('appendonly.aof.manifest')
    await writeFile(file(), '')
    expect(await defaultLog(here)).toEqual({path: folder(), passedOver: file()})
  })

  it('is the file beside a folder without manifest, which a server would move there', async () => {
    await makeFolder('temp-appendonly.aof.manifest')
    await writeFile(file(), '')
    expect(await defaultLog(here)).toEqual({path: file(), passedOver: undefined})
  })

  it('is a folder with several manifests: whoever opens it tells', async () => {
    await makeFolder('a.manifest', 'b.manifest')
    await writeFile(file(), '')
    expect((await defaultLog(here)).path).toBe(folder())
  })

  it('is no folder of the name of the file', async () => {
    await mkdir(file())
    await expect(defaultLog(here)).rejects.toThrow(UsageError)
  })

  it('is missing', async () => {
    await expect(defaultLog(here)).rejects.toThrow('neither appendonlydir/ nor appendonly.aof')
  })
})
