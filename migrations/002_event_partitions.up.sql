-- Monthly partitions of events, by the creation time inside the execution's UUIDv7.

create function public.mbflow_ensure_event_partitions(months_ahead integer default 3) returns integer
language plpgsql set search_path = pg_catalog
as $$
declare
  month timestamptz;
  partition text;
  lower_bound uuid;
  upper_bound uuid;
  stray boolean;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('mbflow.event_partitions', 0));
  for i in 0 .. months_ahead loop
    month := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => i)) at time zone 'UTC';
    partition := 'events_' || to_char(month at time zone 'UTC', 'YYYY_MM');
    continue when to_regclass('public.' || partition) is not null;
    lower_bound := public.mbflow_uuid_at(month);
    upper_bound := public.mbflow_uuid_at((month at time zone 'UTC' + interval '1 month') at time zone 'UTC');

    -- Rows of this month that fell into the default partition would make the attach fail: move them along.
    stray := exists (select from public.events_default where execution_id >= lower_bound and execution_id < upper_bound);
    if stray then
      alter table public.events detach partition public.events_default;
      alter table public.events_default rename to events_default_old;
    end if;
    execute format('create table public.%I (like public.events including defaults including constraints including comments)', partition);
    execute format('alter table public.events attach partition public.%I for values from (%L) to (%L)', partition, lower_bound, upper_bound);
    perform public.mbflow_guard_events(format('public.%I', partition)::regclass);
    if stray then
      create table public.events_default (like public.events including defaults including constraints including comments);
      alter table public.events attach partition public.events_default default;
      perform public.mbflow_guard_events('public.events_default');
      insert into public.events select * from public.events_default_old;
      drop table public.events_default_old;
    end if;
    made := made + 1;
  end loop;
  return made;
end
$$;
comment on function public.mbflow_ensure_event_partitions(integer) is
  'Makes the partitions of this month and the months ahead; returns how many were made. Run by migrate and at every start.';

select public.mbflow_ensure_event_partitions();
