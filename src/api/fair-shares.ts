/**
 * What a resource that is divided by weights promises to each who wants as much as he can get: progressive filling, with
 * what one cannot use left to the others. D. Bertsekas and R. Gallager, "Data Networks", Max-Min Flow Control.
 */

export interface Claim {
  readonly weight: number;
  /** The most that it can have. */
  readonly most: number;
}

/** In the order of the claims, which get `total` in all or less. */
export function fairShares(total: number, claims: readonly Claim[]): readonly number[] {
  const shares = claims.map(() => 0);
  let open = claims.map((claim, i) => ({ ...claim, i }));
  let left = total;
  while (open.length > 0) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0);
    const level = left / weights;
    const full = open.filter(({ weight, most }) => most <= level * weight);
    if (full.length === 0) {
      for (const { i, weight } of open) shares[i] = level * weight;
      break;
    }
    for (const { i, most } of full) {
      shares[i] = most;
      left -= most;
    }
    open = open.filter((one) => !full.includes(one));
  }
  return shares;
}
