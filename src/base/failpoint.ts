// Points at which tests end the process, to prove that nothing is lost there: right before and right after each boundary of
// what is written. The program only says that it got there, to whoever listens in its own process; nobody does unless a test
// preloads it (test/support/failpoint.mjs), so that no setting, and nobody from outside, can make a daemon die.
import { channel } from 'node:diagnostics_channel'

/**
 * `append`: a flush of events and what follows from them; `claim`: of jobs; `wake`: of executions whose time has come;
 * `callback`: the transaction that accepts one; `open`: the one that makes executions of items; `gather`: the one that lets
 * their split go on. `before`: its first statement is not sent; `after`: it is committed, and
 * nothing rests on the answer yet.
 */
export type Failpoint = `${'append' | 'callback' | 'claim' | 'gather' | 'open' | 'wake'}.${'before' | 'after'}`

const reached = channel('mbflow:failpoint')

export function failpoint(name: Failpoint): void {
  if (reached.hasSubscribers) reached.publish(name)
}
