// The commands about the URLs of webhook triggers. What they print is for those who may send: the URL is all it takes where
// the scheme is none.
import { type Command, InvalidArgumentError } from 'commander'
import type { Config } from '../base/config.ts'
import { DurationError, parseDuration } from '../base/duration.ts'
import { listenUrl } from '../base/origin.ts'
import type { CliContext } from './context.ts'
import { TRIGGER, utcText } from './instants.ts'

export function addUrl(trigger: Command, context: CliContext): void {
  trigger
    .command('url')
    .description('Show where the requests of a webhook trigger are to be sent')
    .argument('<trigger>', TRIGGER)
    .action(async (word: string) => {
      const { findTrigger } = await import('../trigger/find.ts')
      const { hookPath, showHook } = await import('../trigger/hooks.ts')
      const { pool } = await context.connect()
      const { token, previous } = await showHook(pool, await findTrigger(pool, word))
      const base = baseUrl(context.config())
      const shown = {
        url: `${base}${hookPath(token)}`,
        previous: previous.map(one => ({ url: `${base}${hookPath(one.token)}`, valid_until: one.validUntil })),
      }
      context.output.one(shown, () => [
        shown.url,
        ...shown.previous.map(({ url, valid_until }) => `${url}  until ${utcText(valid_until)}`),
      ])
    })

  trigger
    .command('rotate-token')
    .description('Give a webhook trigger another URL; the ones before it end, at once or after a while')
    .argument('<trigger>', TRIGGER)
    .option(
      '--keep <duration>',
      'how long the present URL still works, such as 1d; not at all unless given',
      duration,
      0,
    )
    .action(async (word: string, { keep }: { keep: number }) => {
      const { findTrigger } = await import('../trigger/find.ts')
      const { hookPath, rotateToken } = await import('../trigger/hooks.ts')
      const { pool } = await context.connect()
      const token = await rotateToken(pool, await findTrigger(pool, word), keep)
      const url = `${baseUrl(context.config())}${hookPath(token)}`
      context.output.one({ url }, () => [url])
    })
}

/** As far as a command can know it: the daemon may have been told another address. */
function baseUrl({ publicUrl, host, port }: Config): string {
  return publicUrl ?? listenUrl(host, port)
}

function duration(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (error instanceof DurationError) throw new InvalidArgumentError(error.message)
    throw error
  }
}
