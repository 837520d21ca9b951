// Instants and triggers as commands name and show them.
import type { Reading } from '../trigger/local-time.ts'

/** What a command takes for a trigger. */
export const TRIGGER = '`workflow/key`, the key alone if only one trigger has it, or the id'

/** `2026-10-25 02:30:00 +02:00 CEST`. */
export function clockText({ local, abbreviation }: Pick<Reading, 'local' | 'abbreviation'>): string {
  return `${local.slice(0, -6).replace('T', ' ')} ${local.slice(-6)} ${abbreviation}`.trimEnd()
}

/** `2026-10-25T00:30:00Z`. */
export function utcText(instant: Date): string {
  return instant.toISOString().replace('.000Z', 'Z')
}
