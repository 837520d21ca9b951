alter table public.executions drop column reports_end;

drop index public.trigger_fires_buffered_idx;
create index trigger_fires_buffered_idx on public.trigger_fires (trigger_id, slot_at) where disposition = 'buffered';
update public.trigger_fires set reason = 'limit' where reason in ('cooldown', 'removed');
alter table public.trigger_fires
  drop constraint trigger_fires_carried_while_buffered,
  drop constraint trigger_fires_buffered_is_dated,
  drop constraint trigger_fires_reason_check,
  add constraint trigger_fires_reason_check check (
    reason is null or reason in ('overlap', 'misfire', 'excluded', 'bounds', 'limit', 'paused')),
  drop column carried,
  drop column buffered_at;
