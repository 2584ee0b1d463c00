/** What to do, by what a server said or did. */
import {expect, it} from 'vitest'
import {type WireCode, type WireContext, WireError} from '../../src/errors.js'
import {formatFailure} from '../../src/report/failure.js'
import {wireAdvice} from '../../src/report/wire-failure.js'

const advice = (code: WireCode, context: WireContext = {}): string | undefined =>
  wireAdvice(new WireError(code, 'text', 'db1:6379', context))

it.each<[WireCode, WireContext, RegExp]>([
  ['CONNECT_FAILED', {reason: 'ECONNREFUSED'}, /that the server runs/],
  ['CONNECT_FAILED', {reason: 'ENOTFOUND'}, /spelling/],
  ['CONNECT_FAILED', {reason: 'EHOSTUNREACH'}, /firewall/],
  ['CONNECT_TIMEOUT', {}, /--connect-timeout/],
  ['CONNECT_TIMEOUT', {reason: 'TLS'}, /redis:\/\//],
  ['TLS_FAILED', {reason: 'WANTS_TLS'}, /rediss:\/\/ or --tls/],
  ['TLS_FAILED', {reason: 'ERR_SSL_WRONG_VERSION_NUMBER'}, /redis:\/\//],
  ['TLS_FAILED', {reason: 'SELF_SIGNED_CERT_IN_CHAIN'}, /--ca FILE/],
  ['TLS_FAILED', {reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'}, /--ca FILE/],
  ['TLS_FAILED', {reason: 'ERR_TLS_CERT_ALTNAME_INVALID'}, /--sni NAME/],
  ['TLS_FAILED', {reason: 'CERT_HAS_EXPIRED'}, /renew/],
  ['TLS_FAILED', {reason: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'}, /--cert FILE --key FILE/],
  ['TLS_FAILED', {reason: 'SOMETHING'}, /certificates on both sides/],
  ['AUTH_FAILED', {reply: '-WRONGPASS no'}, /check the password/],
  ['AUTH_FAILED', {reply: '-WRONGPASS no', user: 'ops'}, /the user "ops" and the password/],
  ['AUTH_FAILED', {reply: '-ERR Client sent AUTH, but no password is set'}, /unset RDBTOOL_PASSWORD/],
  ['AUTH_FAILED', {reply: "-ERR wrong number of arguments for 'auth' command"}, /leave out --user/],
  ['AUTH_FAILED', {reply: "-ERR unknown command 'AUTH'"}, /renamed/],
  ['NO_PERMISSION', {user: 'ops'}, /ACL SETUSER ops \+psync \+replconf \+ping/],
  [
    'NO_PERMISSION',
    {stage: 'asking', reply: "-NOPERM no permissions to run the 'cluster|slots' command"},
    /default \+cluster\|slots$/,
  ],
  ['COMMAND_UNKNOWN', {}, /export or backup file.*--psync-command.*SCAN and DUMP/],
  ['SILENCE', {stage: 'handshake'}, /something else may listen/],
  ['SILENCE', {stage: 'transfer'}, /--timeout/],
  ['CONNECTION_LOST', {reason: 'MUTE'}, /TLS/],
  ['CONNECTION_LOST', {stage: 'stream'}, /master's log/],
  ['CONNECTION_LOST', {stage: 'transfer'}, /client-output-buffer-limit replica or repl-timeout;/],
  [
    'CONNECTION_LOST',
    {stage: 'transfer', outputBufferLimit: '268435456 67108864 60', replTimeoutSeconds: 60},
    /replica \(there: 256 MiB, or 64\.0 MiB for 60 s\) or repl-timeout \(there: 60 s\)/,
  ],
  ['CONNECTION_LOST', {stage: 'transfer', outputBufferLimit: '0 0 0'}, /there: no limit, or no limit for 0 s/],
  ['MASTER_NOT_READY', {}, /--wait/],
  ['SLOTS_UNCOVERED', {}, /CLUSTER INFO/],
])('%s %j', (code, context, expected) => {
  expect(advice(code, context)).toMatch(expected)
})

it('the message names the other side itself, and what may drive a terminal does not', () => {
  const error = new WireError('MASTER_REFUSED', 'db1:6379 refused PSYNC: \u001b[31m', 'db1:6379')
  expect(formatFailure(error, 'redis://db1:6379')).toEqual([
    'rdbtool: db1:6379 refused PSYNC: \\x1b[31m (MASTER_REFUSED)',
    '  next   ask the server: ACL LOG and its log file may tell why',
  ])
})
