/** An authority of a test's own, and certificates that it signs, by the openssl program. */
import {execFileSync, spawnSync} from 'node:child_process'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** In every Debian that has been told to trust any authority; where it is missing the tests that need it are skipped. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export interface Certificates {
  ca: string
  /** For localhost and 127.0.0.1. */
  server: {cert: string; key: string}
  /** For a name that is not where the server is. */
  elsewhere: {cert: string; key: string}
  client: {cert: string; key: string}
  /** Of an authority that nobody trusts. */
  stranger: {ca: string}
}

export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, {cwd: folder, stdio: 'pipe'})
  const path = (name: string): string => join(folder, name)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string): string => {
    openssl(
      'req',
      '-x509',
      ...curve,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    )
    return path(`${name}.pem`)
  }
  const ca = authority('ca')
  const signed = (name: string, alternatives: string): {cert: string; key: string} => {
    writeFileSync(path(`${name}.ext`), `subjectAltName=${alternatives}\n`)
    openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
    openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`)
    return {cert: path(`${name}.pem`), key: path(`${name}.key`)}
  }
  return {
    ca,
    server: signed('server', 'DNS:localhost,IP:127.0.0.1,IP:::1'),
    elsewhere: signed('elsewhere', 'DNS:elsewhere.example'),
    client: signed('client', 'DNS:client'),
    stranger: {ca: authority('stranger')},
  }
}
