/** What to do about a warning, in a sentence; README.md has the same table. */
import type {WarningCode} from '../analysis/warnings.js'

const ADVICE: Readonly<Record<WarningCode, string>> = {
  BIG_KEYS:
    'Split it; delete it by UNLINK, never DEL; give replicas a larger client-output-buffer-limit before they copy it.',
  HUGE_COLLECTIONS: 'Read it by HSCAN, SSCAN, ZSCAN or in ranges, never whole; split it by a part of the name.',
  STRING_NEAR_LIMIT: 'Store it in parts, or elsewhere; see who appends to it.',
  ELEMENTS_NEAR_LIMIT: 'Split it: servers and clients count to 2^32 in places.',
  HIGH_DATABASES:
    'Raise "databases" where the file is to be loaded, or it is refused; a cluster takes database 0 only.',
  EXPIRE_TOGETHER: 'Add a random part to the expiries, or fill the cache again before that minute.',
  MANY_EXPIRED: 'The file is old, or --now is late: a backup of a cache may come up empty.',
  WITHOUT_EXPIRY: 'Look who writes them: the table of prefixes that never expire shows where they are.',
  BINARY_KEYS: "Use tools that take keys as bytes; --regex '[^\\x00-\\x7f]' shows some.",
}

const MET: Readonly<Record<string, string>> = {
  CHECKSUM_ABSENT: 'Set rdbchecksum yes, and take the snapshot again.',
  BAD_CHECKSUM: 'Bytes have changed: use another copy; rdbtool check says what else is wrong.',
}

export function adviceOf(code: string): string {
  return (
    ADVICE[code as WarningCode] ??
    MET[code] ??
    'rdbtool check says more, and what it means for a server that loads the file.'
  )
}
