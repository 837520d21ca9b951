-- Monthly partitions of events, by the creation time inside the execution's UUIDv7.

create function public.mbflow_ensure_event_partitions(months_ahead integer default 3) returns integer
language plpgsql
set search_path = pg_catalog
-- Nothing waits long behind this: a partition that cannot be made now is made at the next call, and until then the
-- default partition holds its rows.
set lock_timeout = '2s'
as $$
declare
  first_month timestamp := date_trunc('month', now() at time zone 'UTC');
  month timestamp;
  partition text;
  lower_bound uuid;
  upper_bound uuid;
  stray boolean;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('mbflow.event_partitions', 0));
  for i in 0 .. months_ahead loop
    month := first_month + make_interval(months => i);
    partition := 'events_' || to_char(month, 'YYYY_MM');
    continue when to_regclass('public.' || partition) is not null;
    lower_bound := public.mbflow_uuid_at(month at time zone 'UTC');
    upper_bound := public.mbflow_uuid_at((month + interval '1 month') at time zone 'UTC');

    -- Locked in the order of every writer (execution, then event), so that none slips a row in between.
    lock table public.executions in share row exclusive mode;
    -- Rows of this month in the default partition would make the attach fail, and cannot be deleted: they move along.
    stray := exists (select from public.events_default where execution_id >= lower_bound and execution_id < upper_bound);
    if stray then
      alter table public.events detach partition public.events_default;
      alter table public.events_default rename to events_default_old;
    end if;
    perform public.mbflow_add_event_partition(
      partition,
      format('for values from (%L) to (%L)', lower_bound, upper_bound),
      format('Events of executions created in %s (UTC).', to_char(month, 'YYYY-MM')));
    if stray then
      perform public.mbflow_add_event_partition(
        'events_default', 'default', obj_description('public.events_default_old'::regclass, 'pg_class'));
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
