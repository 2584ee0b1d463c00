/**
 * What a check found, as JSON. The names are a contract; more may be added.
 */
import type {Soundness} from '../analysis/soundness.js'
import type {Problem} from '../keyspace/visitor.js'
import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import {worst} from './problems.js'
import {logJson} from './problems-log.js'
import {jsonKey} from './text.js'

/** `failure` stands in `error`. At most `problemsMax` problems are listed; `counts` tells of all. */
export function problemsJson(
  source: string,
  soundness: Soundness | undefined,
  failure: unknown,
  problemsMax: number,
): Json {
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  if (soundness === undefined) return {source, ok: false, ...error}
  const {format, rdbVersion, checksum, keys, bytes, errors, warnings, counts, duplicatesChecked, collectionsUnchecked} =
    soundness
  return {
    source,
    format,
    ok: errors === 0 && failure === undefined,
    rdbVersion,
    checksum,
    keys,
    bytes,
    errors,
    warnings,
    duplicatesChecked,
    ...(collectionsUnchecked > 0 ? {collectionsUnchecked} : {}),
    counts,
    ...(soundness.log === undefined ? {} : {log: logJson(soundness.log)}),
    problems: worst(soundness.problems, problemsMax).map(problemJson),
    ...error,
  }
}

export function problemJson({code, severity, file, offset, db, key, keyBytes, type, text, bytesLost}: Problem): Json {
  return {code, severity, file, offset, db, ...(key && jsonKey({key, keyBytes})), type, text, bytesLost}
}
