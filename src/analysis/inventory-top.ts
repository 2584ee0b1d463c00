/** An inventory that remembers more than is to be shown, cut to what is. */
import type {Inventory} from './inventory.js'
import type {InventoryTotal} from './inventory-total.js'

/** Everything that is ranked, cut to its first `top`. */
export function withTop<Of extends Inventory | InventoryTotal>(of: Of, top: number): Of {
  const {biggest, biggestByElements, biggestElements, spread} = of
  return {
    ...of,
    biggest: biggest.slice(0, top),
    biggestByElements: biggestByElements.slice(0, top),
    biggestElements: biggestElements?.slice(0, top),
    spread: spread && {
      ...spread,
      prefixes: spread.prefixes.slice(0, top),
      persistentPrefixes: spread.persistentPrefixes.slice(0, top),
    },
  }
}
