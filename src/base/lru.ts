/** A map that forgets what was not asked for longest once it holds `capacity` entries. */
export interface Lru<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
}

export function createLru<K, V>(capacity: number): Lru<K, V> {
  // A Map iterates in the order of insertion, so the first key is the one to forget.
  const entries = new Map<K, V>()
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > capacity) entries.delete(entries.keys().next().value as K)
    },
  }
}
