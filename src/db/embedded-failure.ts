// What can go wrong with the embedded server, in words a user can act on.
import { MbflowError, messageOf, systemCode } from '../base/errors.ts'
import type { Place } from './embedded-place.ts'

const FULL = /no space left on device|disk quota exceeded/i
const READ_ONLY = /read-only file system/i
const DENIED = /permission denied|operation not permitted/i

export async function explained<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explain(error, place)
  }
}

/** The server's programs pass on what the system told them in the words the system's own errors have. */
function explain(error: unknown, { folder, logFile, account }: Place): MbflowError {
  if (error instanceof MbflowError) return error
  const said = messageOf(error)
  if (systemCode(error) === 'ELOCKED') {
    return new MbflowError('DATABASE_BUSY', `another mbflow process is busy with the data folder: ${said}`, {
      hint: 'try again; if that process hangs, end it',
    })
  }
  if (FULL.test(said)) {
    return new MbflowError('DISK_FULL', `there is no space left for the embedded PostgreSQL in ${folder}`, {
      hint: 'free some, or name another folder with MBFLOW_DATA_DIR',
      cause: error,
    })
  }
  if (READ_ONLY.test(said)) {
    return new MbflowError('EMBEDDED_FAILED', `the embedded PostgreSQL cannot write in ${folder}: ${said}`, {
      hint: 'name another folder with MBFLOW_DATA_DIR',
      cause: error,
    })
  }
  if (DENIED.test(said)) {
    return new MbflowError('EMBEDDED_FAILED', `the embedded PostgreSQL cannot use the folder ${folder}: ${said}`, {
      hint:
        account === undefined
          ? 'name another folder with MBFLOW_DATA_DIR, or become the owner of this one'
          : `PostgreSQL refuses to run as root and runs as ${account.name}, who must be able to reach the folder ` +
            '(nothing below /root is); name another with MBFLOW_DATA_DIR',
      cause: error,
    })
  }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'mkdir') {
    return new MbflowError('EMBEDDED_FAILED', `the embedded PostgreSQL cannot make its folder: ${said}`, {
      hint: 'something else may be in its way; name another folder with MBFLOW_DATA_DIR',
      cause: error,
    })
  }
  return new MbflowError('EMBEDDED_FAILED', `the embedded PostgreSQL in ${folder} failed: ${said}`, {
    hint: `its log is ${logFile}; DATABASE_URL makes mbflow use a server of yours instead`,
    cause: error,
  })
}
