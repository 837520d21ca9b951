/** A name of a living process that no other process ever has (off Linux: that none has at the same time). */
export function identityOf(pid: number): string | undefined

export function isAlive(identity: string): boolean

/** Runs `work` while no other holder of `file` runs; rejects with code ELOCKED after waiting `patienceMs` for it. */
export function withLock<T>(file: string, patienceMs: number, work: () => Promise<T> | T): Promise<T>
