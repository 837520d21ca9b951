import { userInfo } from 'node:os'

/** Whoever sits at this terminal; users of a container have no name. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
