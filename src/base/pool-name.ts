// Pools: some workers of an installation, chosen for nodes that cannot or should not run just anywhere.

/** The nodes that name no pool, and the workers that take them. */
export const DEFAULT_POOL = 'default'
/** A worker serves at most so many beside the default one. */
export const MOST_POOLS = 8

export const POOL_PATTERN = '^[a-z][a-z0-9-]{0,31}$'
export const POOL_RULE = 'a pool starts with a lower-case letter and goes on with those, digits and -, at most 32'

export function isPoolName(text: string): boolean {
  return new RegExp(POOL_PATTERN).test(text)
}
