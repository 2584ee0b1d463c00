/** Keys whatever they hold, databases, libraries, SORT. */
import {anyKey, expireAtMs, expireAtSeconds, expireInSeconds, type Family, key, maybe, option} from './arguments.js'
import type {Draw} from './draw.js'

export const DATABASES = 3
const db = (draw: Draw): string => String(draw.below(DATABASES))

export const keys: Family = {
  DEL: draw => ['DEL', ...draw.times(1, 2, () => anyKey(draw))],
  UNLINK: draw => ['UNLINK', anyKey(draw)],
  RENAME: draw => ['RENAME', anyKey(draw), anyKey(draw)],
  RENAMENX: draw => ['RENAMENX', anyKey(draw), anyKey(draw)],
  COPY: draw => [
    'COPY',
    anyKey(draw),
    anyKey(draw),
    ...option(draw, 30, () => ['DB', db(draw)]),
    ...maybe(draw, 50, 'REPLACE'),
  ],
  MOVE: draw => ['MOVE', anyKey(draw), db(draw)],
  PERSIST: draw => ['PERSIST', anyKey(draw)],
  PEXPIREAT: draw => ['PEXPIREAT', anyKey(draw), expireAtMs(draw)],
  PEXPIREAT7: draw => ['PEXPIREAT', anyKey(draw), expireAtMs(draw), draw.pick(['NX', 'XX', 'GT', 'LT'])],
  // By a pattern elements are compared as numbers: of equal texts the server's sorting algorithm decides.
  EXPIREAT: draw => ['EXPIREAT', anyKey(draw), expireAtSeconds(draw)],
  EXPIRE: draw => ['EXPIRE', anyKey(draw), expireInSeconds(draw)],
  SORT: draw => {
    const by = option(draw, 20, () => ['BY', draw.pick(['s:*', 'nosort', 'h:*->m1'])])
    return [
      ...['SORT', key(draw, draw.pick(['l', 't', 'z'])), ...by],
      ...option(draw, 30, () => ['LIMIT', String(draw.below(3)), String(draw.between(-1, 9))]),
      ...option(draw, 30, () => ['GET', draw.pick(['#', 's:*', 'h:*->m1'])]),
      ...[...(by.length > 0 ? [] : maybe(draw, 50, 'ALPHA')), ...maybe(draw, 50, 'DESC'), 'STORE', key(draw, 'l')],
    ]
  },
}

/** What the server's DUMP answered. */
export function restores(payloads: readonly Uint8Array[]): Family {
  if (payloads.length === 0) return {}
  return {
    RESTORE: draw => {
      const ttl = draw.pick([['0'], [expireAtMs(draw), 'ABSTTL']])
      const payload = draw.pick(payloads)
      return ['RESTORE', anyKey(draw), ttl[0]!, payload, ...ttl.slice(1), ...maybe(draw, 60, 'REPLACE')]
    },
  }
}

export const databases: Family = {
  SELECT: draw => ['SELECT', db(draw)],
  SELECTAGAIN: draw => ['SELECT', db(draw)],
  SWAPDB: draw => (draw.percent(30) ? ['SWAPDB', db(draw), db(draw)] : ['SELECT', db(draw)]),
  FLUSHDB: draw => (draw.percent(3) ? ['FLUSHDB', ...maybe(draw, 50, 'ASYNC')] : ['SELECT', db(draw)]),
  FLUSHALL: draw => (draw.percent(1) ? ['FLUSHALL'] : ['SELECT', db(draw)]),
}

export const libraries: Family = {
  FUNCTIONLOAD: draw => {
    const name = `lib${draw.below(4)}`
    const body = `redis.register_function('${name}f', function() return ${draw.below(9)} end)`
    return ['FUNCTION', 'LOAD', ...maybe(draw, 60, 'REPLACE'), `#!lua name=${name}\n${body}`]
  },
  FUNCTIONDELETE: draw => ['FUNCTION', 'DELETE', `lib${draw.below(4)}`],
  FUNCTIONFLUSH: draw => (draw.percent(10) ? ['FUNCTION', 'FLUSH'] : ['FUNCTION', 'DELETE', `lib${draw.below(4)}`]),
}
