// What is a trigger's own, so that triggers with one schedule do not all fire at the same instant: a number that depends
// on nothing but its id. `H` in cron schedules and `spread` take it; every daemon, and every restart, finds the same.

/** A number in [0, count), even over many ids. `purpose` tells several numbers of one trigger apart. */
export function shareOf(id: string, purpose: string, count: number): number {
  return hash(`${purpose} ${id}`) % count
}

/** Whole seconds from 0 to the spread, both included, in milliseconds: slots of one second stay one wake-up. */
export function spreadOf(id: string, spreadMs: number): number {
  return shareOf(id, 'spread', Math.floor(spreadMs / 1_000) + 1) * 1_000
}

/** FNV-1a, then the finalizer of MurmurHash3, because ids made at one time differ in few bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
