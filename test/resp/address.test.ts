/** Addresses in all their forms, and that no password is ever shown. */
import {describe, expect, it} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {formatAddress, isServerUrl, maskAddress, parseAddress} from '../../src/resp/address.js'

describe('an address', () => {
  it.each([
    ['db1', {host: 'db1', port: 6379}],
    ['db1:6380', {host: 'db1', port: 6380}],
    ['127.0.0.1:6380', {host: '127.0.0.1', port: 6380}],
    ['[::1]:6380', {host: '::1', port: 6380}],
    ['[fe80::1%eth0]', {host: 'fe80::1%eth0', port: 6379}],
    ['::1', {host: '::1', port: 6379}],
    ['redis://db1', {host: 'db1', port: 6379}],
    ['redis://db1:6380/', {host: 'db1', port: 6380}],
    ['redis://[::1]:6380', {host: '::1', port: 6380}],
    ['redis://ops@db1', {host: 'db1', port: 6379, user: 'ops'}],
    ['redis://ops:secret@db1', {host: 'db1', port: 6379, user: 'ops', password: 'secret'}],
    ['redis://:secret@db1', {host: 'db1', port: 6379, password: 'secret'}],
    ['redis://:p%40ss%3aw%2Frd@db1:1', {host: 'db1', port: 1, password: 'p@ss:w/rd'}],
    ['redis://:a@b:c?d@db1:1', {host: 'db1', port: 1, password: 'a@b:c?d'}],
    ['redis://:50%off@db1', {host: 'db1', port: 6379, password: '50%off'}],
    ['REDIS://:Secret@db1', {host: 'db1', port: 6379, password: 'Secret'}],
    ['Rediss://db1', {host: 'db1', port: 6379, tls: {}}],
    ['redis://me@corp.com:secret@db1', {host: 'db1', port: 6379, user: 'me@corp.com', password: 'secret'}],
    ['redis://dom/me:secret@db1', {host: 'db1', port: 6379, user: 'dom/me', password: 'secret'}],
    ['rediss://db1', {host: 'db1', port: 6379, tls: {}}],
    [
      'rediss://db1?ca=/a.pem&cert=b&key=c&sni=d&tls-insecure=yes',
      {host: 'db1', port: 6379, tls: {ca: '/a.pem', cert: 'b', key: 'c', sni: 'd', insecure: true}},
    ],
    ['unix:///run/redis.sock', {host: '', port: 0, path: '/run/redis.sock'}],
    ['unix://ops:secret@/run/my%20redis', {host: '', port: 0, path: '/run/my redis', user: 'ops', password: 'secret'}],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected)
  })

  it.each([
    ['', /give HOST:PORT/],
    ['db1:', /give HOST:PORT/],
    ['db1:0', /from 1 to 65535/],
    ['db1:65536', /from 1 to 65535/],
    ['a b:1', /give HOST:PORT/],
    ['redis://', /give HOST:PORT/],
    ['redis://:hunter2@', /give HOST:PORT/],
    ['redis://:hunter2@db1:x', /give HOST:PORT/],
    ['redis://db1/3', /select with --db/],
    ['redis://db1?ca=x', /begin with rediss:\/\//],
    ['rediss://db1?tls-insecure=1', /no option "tls-insecure"/],
    ['rediss://:hunter2@db1?x=1', /no option "x"/],
    ['unix://run/redis.sock', /begins with \//],
    ['valkey://:hunter2@db1:1', /^"valkey:\/\/:\*\*\*@db1:1" .*nothing is known of valkey:\/\/: give HOST:PORT/],
    ['valkey://ops:hunter2@db1:1', /^"valkey:\/\/ops:\*\*\*@db1:1" /],
    ['HTTP://db1', /nothing is known of HTTP:\/\//],
    ['redis://dom/me:hunter2@db1:x', /^"redis:\/\/dom\/me:\*\*\*@db1:x" /],
    ['REDIS://me@corp:hunter2@db1/3', /^"REDIS:\/\/me@corp:\*\*\*@db1\/3" .*select with --db/],
    [':hunter2@db1:1', /^":\*\*\*@db1:1" /],
    ['ops:hunter2@db1:1', /^"ops:\*\*\*@db1:1" /],
    ['hunter2@db1', /^"\*\*\*@db1" /],
    ['redis://:hunter2', /^"redis:\/\/:\*\*\*" /],
    ['redis://ops:hunter2', /^"redis:\/\/ops:\*\*\*" /],
    [':hunter2', /^":\*\*\*" /],
  ])('%j is none', (text, message) => {
    expect(() => parseAddress(text)).toThrow(UsageError)
    expect(() => parseAddress(text)).toThrow(message)
    expect(() => parseAddress(text)).not.toThrow(/hunter2/)
  })

  it('is shown without its password', () => {
    const shown = {
      'redis://ops:hunter2@db1:1': 'redis://ops:***@db1:1',
      'redis://:hun@ter2@db1': 'redis://:***@db1',
      'rediss://ops:hunter/2@db1?ca=x': 'rediss://ops:***@db1?ca=x',
      'unix://:hunter2@/run/x': 'unix://:***@/run/x',
      'redis://ops@db1': 'redis://ops@db1',
      'redis://ops@db1:6380': 'redis://ops@db1:6380',
      'redis://[::1]:7': 'redis://[::1]:7',
      'redis://me@corp.com:hunter2@db1:1': 'redis://me@corp.com:***@db1:1',
      'redis://dom/me:hunter2@db1:1': 'redis://dom/me:***@db1:1',
      'REDIS://:hunter2@db1:1': 'REDIS://:***@db1:1',
      'valkey://:hunter2@db1:1': 'valkey://:***@db1:1',
      ':hunter2@db1:1': ':***@db1:1',
      'db1:6379': 'db1:6379',
      '/files/a:b@c.rdb': '/files/a:b@c.rdb',
    }
    for (const [text, masked] of Object.entries(shown)) expect(maskAddress(text)).toBe(masked)
  })

  it('is shown as host and port', () => {
    expect(formatAddress(parseAddress('redis://a:b@[::1]:7'))).toBe('[::1]:7')
    expect(formatAddress(parseAddress('db1'))).toBe('db1:6379')
    expect(formatAddress(parseAddress('unix:///x'))).toBe('/x')
  })

  it('is told from a file by its scheme', () => {
    expect(['redis://x', 'REDIS://x', 'rediss://x', 'unix:///x'].every(isServerUrl)).toBe(true)
    expect(['dump.rdb', '-', 'redis:x', './redis://x'].some(isServerUrl)).toBe(false)
  })
})
