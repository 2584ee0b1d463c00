/**
 * What a build may lose: without leave nothing is published that lacks data, and everything that would be lacking is told.
 */
import type {Lost} from '../keyspace/loss-report.js'
import type {Target} from '../rdb/targets.js'

/** What was found to be lost, of what would otherwise have been built. */
export interface WithLosses {
  target: string
  lost: readonly Lost[]
}

/** Data would be lost, and nobody gave leave: nothing was published. */
export class LossError<Built extends WithLosses = WithLosses> extends Error {
  override readonly name = 'LossError'

  constructor(
    /** All that was found out, of the file that was not published. */
    readonly built: Built,
  ) {
    const kinds = built.lost.filter(({data}) => data).map(({what}) => what)
    super(`${built.target} has no place for ${kinds.join(', ')}`)
  }
}

/** Throws LossError where data was lost without leave; hints may go. */
export function refuseLosses<Built extends WithLosses>(
  built: Built,
  {allowLoss}: {allowLoss?: boolean | undefined},
): void {
  if (allowLoss !== true && built.lost.some(({data}) => data)) throw new LossError(built)
}

/** Modules that servers bring along, and since which version. */
const BUILT_IN: Readonly<Record<string, number>> = {vectorset: 12}

/** Of modules that a file needs, those that the target is not known to have. */
export function modulesWanted(modules: ReadonlySet<string>, {product, rdbVersion, name, own}: Target): string[] {
  if (own) return []
  const hasOwn = (module: string): boolean =>
    product === 'redis' && rdbVersion >= (BUILT_IN[module] ?? Number.POSITIVE_INFINITY) && name !== 'redis-7.4'
  return [...modules].filter(module => !hasOwn(module))
}
