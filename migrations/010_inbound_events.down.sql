drop function public.mbflow_announce_executions(uuid[]);
drop function public.emit_event(text, jsonb, text, text, text, boolean);
drop table public.event_group_members;
drop table public.event_groups;
drop table public.inbound_events;
-- What the ledger says of events is not true of anything any more, and the constraint of before does not know its words.
delete from public.trigger_fires where reason in ('debounce', 'throttle', 'batch', 'window', 'loop', 'expression');
alter table public.trigger_fires drop constraint trigger_fires_reason_check;
alter table public.trigger_fires add constraint trigger_fires_reason_check check (
  reason is null or reason in ('overlap', 'misfire', 'excluded', 'bounds', 'limit', 'cooldown', 'paused', 'removed'));
