drop index public.executions_trigger_id_ends_idx;
alter table public.trigger_cursors
  add column consecutive_failures integer not null default 0,
  add constraint trigger_cursors_failures_check check (consecutive_failures >= 0);
comment on column public.trigger_cursors.consecutive_failures is 'Failures in a row; 0 after a success.';

update public.trigger_specs set enabled = false where paused_at is not null;
alter table public.trigger_specs
  drop column paused_at,
  drop column paused_by,
  drop column pause_note;
comment on column public.triggers.pause_note is 'Why it is disabled, in words; also the error that disarmed it.';
delete from public.trigger_cursors c using public.triggers t where t.id = c.trigger_id and t.paused_at is not null;
update public.triggers set enabled = false where paused_at is not null;
alter table public.triggers
  drop constraint triggers_pause_has_author,
  drop column paused_at,
  drop column paused_by,
  drop column cooldown_until;
