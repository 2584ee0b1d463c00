/** `inspect` and `check` of sources that are no RDB files, as processes of their own. */
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {rdbtool} from '../start/run.js'

const folder = temporaryFolder()
const sound = folder.write('sound.jsonl', '{"db":0,"key":"a","type":"string","value":"x"}\n')
const twice = folder.write('twice.csv', 'key,value\na,1\nb,2\na,3\n')
const none = folder.write('package.json', '{"name": "something"}\n')

describe('sources that are no RDB files', () => {
  it('are told by their format, without a checksum that they never have', async () => {
    const {code, stdout, stderr} = await rdbtool(['inspect', sound])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain('\nformat    JSON lines\n')
    expect(stdout).not.toMatch(/checksum|producer|undefined/)
  })

  it.each([
    ['sound', sound, 0],
    ['with a key twice', twice, 1],
    ['that are none', none, 3],
  ])('%s, have the exit codes of check', async (_, source, code) => {
    const finished = await rdbtool(['check', source, '--json'])
    expect(finished.code).toBe(code)
    expect(JSON.parse(finished.stdout)).toMatchObject({source, ok: code === 0})
  })
})
