// The PostgreSQL that MBFlow brings along: one server per data folder, shared by every mbflow process of the machine.
// 1. Whoever needs the server first starts it, and the last one out stops it; one that was killed does not count. All of
//    this happens under a lock on the data folder that dies with its holder, so joining and leaving never cross.
// 2. The server is nobody's child in spirit: it outlives the process that started it, and any user that finds it dead
//    starts it again.
// 3. Its port stays while anybody uses it, since each of them holds the URL.
// 4. It listens on the loopback only, with a random password.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { MbflowError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import { withLock } from '../base/process-lock.cjs'
import { type Account, give, serverAccount } from './embedded-account.ts'
import {
  clusterMajor,
  createCluster,
  findPostmaster,
  NAME,
  settledPostmaster,
  startServer,
  stopServer,
} from './embedded-cluster.ts'
import { explain } from './embedded-failure.ts'
import { findPrograms } from './embedded-programs.ts'
import { countUsers, joinUsers } from './embedded-users.ts'
