-- The inbox of events: what was received, what of it waits for more of its kind, and the ways in that are SQL.

create table public.inbound_events (
  id           uuid primary key default public.mbflow_uuid(),
  source       text not null,
  external_id  text not null,
  type         text not null,
  attributes   jsonb not null default '{}',
  data         jsonb,
  chain        text[] not null default '{}',
  faults       jsonb,
  received_at  timestamptz(3) not null default clock_timestamp(),
  processed_at timestamptz(3),
  constraint inbound_events_source_external_id_key unique (source, external_id),
  constraint inbound_events_names_check check (
    octet_length(source) between 1 and 1024 and octet_length(external_id) between 1 and 512
    and octet_length(type) between 1 and 255),
  constraint inbound_events_attributes_is_object check (jsonb_typeof(attributes) = 'object'),
  constraint inbound_events_faults_once_processed check (faults is null or processed_at is not null)
);
create index inbound_events_unprocessed_idx on public.inbound_events (received_at, id) where processed_at is null;

comment on table public.inbound_events is 'Events that were received and are never lost: each is taken once per source and id, and processed once. Ids are in the order of time, for retention.';
comment on column public.inbound_events.source is 'Where it happened, as the sender names it (CloudEvents: source).';
comment on column public.inbound_events.external_id is 'Which one it is of its source (CloudEvents: id).';
comment on column public.inbound_events.attributes is 'All other attributes of CloudEvents: subject, time, datacontenttype, extensions; bytes that are no text as data_base64.';
comment on column public.inbound_events.data is 'What happened.';
comment on column public.inbound_events.chain is 'Names of the workflows whose ends led to it, one after the other; triggers of these do not fire.';
comment on column public.inbound_events.faults is 'Which triggers could not judge it and why: [{trigger, message}].';
comment on column public.inbound_events.received_at is 'When it was written; of events in one transaction their order.';
comment on column public.inbound_events.processed_at is 'When every trigger it matches had disposed of it or taken it into a group; null: it waits.';

create table public.event_groups (
  trigger_id uuid not null references public.triggers (id) on delete cascade,
  group_key  text not null,
  gathering  text not null,
  opened_at  timestamptz(3) not null,
  due_at     timestamptz(3) not null,
  constraint event_groups_pkey primary key (trigger_id, group_key),
  constraint event_groups_due_check check (due_at >= opened_at)
) with (fillfactor = 70);
create index event_groups_due_at_idx on public.event_groups (due_at);

comment on table public.event_groups is 'What event triggers remember from one event to the next: debounces, throttles, batches and windows under way. Written under the mutex of the trigger.';
comment on column public.event_groups.group_key is 'The value of group_by as JSON; empty without one.';
comment on column public.event_groups.gathering is 'How it was gathered; a group of another way than the present rule''s is closed.';
comment on column public.event_groups.opened_at is 'When its first event was received.';
comment on column public.event_groups.due_at is 'When it is closed, or forgotten, unless events change that.';

create table public.event_group_members (
  trigger_id uuid not null,
  group_key  text not null,
  event_id   uuid not null references public.inbound_events (id) on delete restrict,
  part       smallint not null,
  byte_count integer not null,
  member_at  timestamptz(3) not null,
  constraint event_group_members_pkey primary key (trigger_id, group_key, event_id),
  constraint event_group_members_group_fkey foreign key (trigger_id, group_key)
    references public.event_groups (trigger_id, group_key) on delete cascade,
  constraint event_group_members_counts_check check (part >= 0 and byte_count >= 0)
);
create index event_group_members_event_id_idx on public.event_group_members (event_id);

comment on table public.event_group_members is 'The events a group holds: those not disposed of yet, and for a throttle those that fired of late.';
comment on column public.event_group_members.group_key is 'With trigger_id, the group.';
comment on column public.event_group_members.event_id is 'The event; retention keeps it as long.';
comment on column public.event_group_members.part is 'Which of the rule''s selectors it stands for.';
comment on column public.event_group_members.byte_count is 'Its size as JSON.';
comment on column public.event_group_members.member_at is 'When it was received; for a throttle, when it fired.';

alter table public.trigger_fires drop constraint trigger_fires_reason_check;
alter table public.trigger_fires add constraint trigger_fires_reason_check check (
  reason is null or reason in ('overlap', 'misfire', 'excluded', 'bounds', 'limit', 'cooldown', 'paused', 'removed',
    'debounce', 'throttle', 'batch', 'window', 'loop', 'expression'));

create function public.emit_event(
  type text, data jsonb default null, id text default null, source text default 'postgres',
  subject text default null, wake boolean default false
) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  event_id uuid;
begin
  if type is null or type = '' or source is null or source = '' or id = '' or subject = '' then
    raise exception 'emit_event: type and source must be there, and none of type, source, id and subject may be empty'
      using errcode = 'invalid_parameter_value';
  elsif type like 'mbflow.%' or source like 'mbflow:%' then
    raise exception 'emit_event: types that begin with mbflow. and sources that begin with mbflow: are those of MBFlow itself'
      using errcode = 'invalid_parameter_value', hint = 'Give the event a name of your own, such as order.paid.';
  elsif octet_length(type) > 255 or octet_length(source) > 1024 or octet_length(id) > 512 or octet_length(subject) > 1024 then
    raise exception 'emit_event: type has at most 255 bytes, source and subject 1024, id 512'
      using errcode = 'invalid_parameter_value';
  elsif octet_length(data::text) > 262144 then
    raise exception 'emit_event: the data has % bytes as JSON, at most 262144 are allowed', octet_length(data::text)
      using errcode = 'program_limit_exceeded', hint = 'Send a reference to it.';
  end if;
  insert into public.inbound_events (source, external_id, type, attributes, data)
  values (emit_event.source, coalesce(emit_event.id, public.mbflow_uuid()::text), emit_event.type,
    jsonb_strip_nulls(jsonb_build_object('subject', emit_event.subject,
      'time', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))),
    emit_event.data)
  on conflict on constraint inbound_events_source_external_id_key do nothing
  returning inbound_events.id into event_id;
  if event_id is null then
    select e.id into event_id from public.inbound_events e
    where e.source = emit_event.source and e.external_id = emit_event.id;
  elsif wake then
    perform pg_notify('mbflow', 'events');
  end if;
  return event_id;
end
$$;
comment on function public.emit_event(text, jsonb, text, text, text, boolean) is
  'Puts an event into the inbox, in the transaction of the caller: it is there if that commits. The same source and id again give the same event. With wake a scheduler is told at once; else it looks within its poll interval.';
revoke execute on function public.emit_event(text, jsonb, text, text, text, boolean) from public;

create function public.mbflow_announce_executions(ids uuid[]) returns void
language sql volatile set search_path = pg_catalog
as $$
  insert into public.inbound_events (source, external_id, type, attributes, data, chain)
  select 'mbflow:executions', e.id || ':' || e.last_sequence, 'mbflow.execution.' || e.status,
    jsonb_build_object('subject', w.name,
      'time', to_char(e.completed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
    jsonb_build_object('execution_id', e.id, 'workflow', w.name, 'version', w.version, 'status', e.status,
      'error', e.error, 'output', case when octet_length(e.output_data::text) <= 262144 then e.output_data end,
      'output_bytes', octet_length(e.output_data::text)),
    array(select jsonb_array_elements_text(e.trigger_data -> 'chain')) || w.name::text
  from public.executions e join public.workflows w on w.id = e.workflow_id
  where e.id = any(ids) and e.status in ('completed', 'failed') and e.parent_execution_id is null
    and exists (select from public.triggers t where t.type = 'event' and t.enabled and t.config::text like '%"mbflow.%')
  on conflict on constraint inbound_events_source_external_id_key do nothing
$$;
comment on function public.mbflow_announce_executions(uuid[]) is
  'Puts the ends of these executions into the inbox, if an enabled trigger may want them. A pattern that begins with mbflow. does.';
