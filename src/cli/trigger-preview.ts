import type { Command } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { PreviewedSlot } from '../trigger/preview.ts'
import type { CliContext } from './context.ts'
import { clockText, TRIGGER, utcText } from './instants.ts'
import { wholeNumber } from './option-values.ts'
import { addSettingOptions, documentSettings } from './settings.ts'
import { type Column, renderTable } from './table.ts'
import { relative } from './text.ts'

interface PreviewOptions {
  readonly file?: string[]
  readonly from?: string
  readonly count: number
}

export function addPreview(trigger: Command, context: CliContext): void {
  const command = trigger
    .command('preview')
    .description('Show the next slots of a trigger, or of one that a document describes')
    .argument('[trigger]', `${TRIGGER}; with --file it may be left out if there is only one`)
    .option('-f, --file <path...>', 'documents; nothing is applied')
    .option('--from <time>', 'from this time on, such as 2026-12-24T18:00Z; default: now')
    .option('--count <n>', 'how many', wholeNumber, 10)
    .action(async (word: string | undefined, options: PreviewOptions) => {
      const { preview } = await import('../trigger/preview.ts')
      const { trigger, prospect, isNew } = await load(context, word, options.file)
      const { instantGiven } = await import('./given-instants.ts')
      const from =
        options.from === undefined ? prospect.now : instantGiven(trigger, { option: '--from', text: options.from })
      const found = preview(trigger, prospect, { from, count: options.count, provisional: isNew })
      const { output } = context
      output.one({ trigger: `${trigger.workflowName}/${trigger.key}`, ...found }, () => [
        ...(found.slots.length === 0
          ? []
          : renderTable(found.slots, columns(new Date(prospect.now)), { width: output.width, style: output.style })),
        ...found.notes.map(({ text }) => output.style('yellow', text)),
      ])
    })
  addSettingOptions(command, documentSettings)
}

async function load(context: CliContext, word: string | undefined, file: readonly string[] | undefined) {
  const { loadDocumentDraft, loadSubject } = await import('../trigger/subject.ts')
  if (file !== undefined) {
    const { readDocuments } = await import('../trigger/apply-files.ts')
    const documents = await readDocuments(file, await context.nodeTypes())
    const { pool } = await context.connect()
    const draft = await loadDocumentDraft(pool, { documents, word })
    return { ...draft, isNew: draft.present === null }
  }
  if (word === undefined)
    throw new MbflowError('USAGE', 'there is no trigger to preview', {
      hint: 'name a trigger, or a document with --file',
    })
  const { pool } = await context.connect()
  return { ...(await loadSubject(pool, word)), isNew: false }
}

const columns = (now: Date): Column<PreviewedSlot>[] => [
  { title: 'LOCAL', cell: clockText, style: ({ fires }) => (fires ? undefined : 'dim') },
  { title: 'UTC', cell: ({ slot }) => utcText(slot), leaves: 1 },
  { title: 'IN', cell: ({ slot }) => relative(slot, now), leaves: 2 },
  { title: 'REMARKS', cell: ({ remarks }) => remarks.map(({ text }) => text).join('; '), least: 12 },
]
