-- Triggers that are paused, by whom and why, and triggers that rest after a fire.

alter table public.triggers
  add column paused_at timestamptz(3),
  add column paused_by text,
  add column cooldown_until timestamptz(3),
  add constraint triggers_pause_has_author check ((paused_at is null) = (paused_by is null));
alter table public.trigger_specs
  add column paused_at timestamptz(3),
  add column paused_by text,
  add column pause_note text;

comment on column public.triggers.pause_note is 'Why it is paused, in words; also the error that disarmed it.';
comment on column public.triggers.paused_at is 'Since when nothing fires, though it may be enabled: that is the document''s word, this is the operator''s.';
comment on column public.triggers.paused_by is 'Who paused it: cli:<user>, or mbflow by itself.';
comment on column public.triggers.cooldown_until is 'Before this instant it does not fire again; of its latest fire, if it has a cooldown.';
comment on column public.trigger_specs.paused_by is 'Who had paused it then.';
comment on column public.trigger_specs.pause_note is 'Why, in words.';
comment on column public.trigger_specs.paused_at is 'Since when it was paused then; null if it was not.';

-- A trigger that had a note was paused, by whatever took it out of service.
update public.triggers set enabled = true, paused_at = updated_at, paused_by = 'mbflow' where pause_note is not null and not enabled;
update public.trigger_specs s set enabled = true, paused_at = t.paused_at, paused_by = t.paused_by, pause_note = t.pause_note
from public.triggers t
where t.paused_at is not null and (s.trigger_id, s.spec_version) = (t.id, t.spec_version);

-- Failures in a row are counted from the ends themselves, for triggers of every type.
alter table public.trigger_cursors drop column consecutive_failures;
create index executions_trigger_id_ends_idx on public.executions (trigger_id, completed_at desc, id desc)
  where reports_end and status in ('completed', 'failed') and fire_key not like 'bf:%';
