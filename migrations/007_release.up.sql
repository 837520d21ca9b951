-- Fires that wait for room, and the ends of executions that their triggers are told of.

alter table public.trigger_fires
  add column buffered_at timestamptz(3),
  add column carried jsonb,
  drop constraint trigger_fires_reason_check,
  add constraint trigger_fires_reason_check check (
    reason is null or reason in ('overlap', 'misfire', 'excluded', 'bounds', 'limit', 'cooldown', 'paused', 'removed')),
  add constraint trigger_fires_buffered_is_dated check (disposition <> 'buffered' or buffered_at is not null),
  add constraint trigger_fires_carried_while_buffered check (carried is null or disposition = 'buffered');
drop index public.trigger_fires_buffered_idx;
create index trigger_fires_buffered_idx on public.trigger_fires (trigger_id, buffered_at, slot_at, fire_key)
  where disposition = 'buffered';

comment on column public.trigger_fires.buffered_at is 'Since when it waits, or waited, for executions before it to end; null if it never had to.';
comment on column public.trigger_fires.carried is 'What a request that waits hands to its execution; a slot carries nothing.';

alter table public.executions add column reports_end boolean not null default false;
comment on column public.executions.reports_end is 'Whether its trigger is to be told when it is over: its policies depend on it.';
