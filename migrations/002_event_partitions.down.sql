-- Every event moves to the default partition, as it was before.
do $$
declare
  partition regclass;
begin
  for partition in
    select inhrelid from pg_inherits
    where inhparent = 'public.events'::regclass and inhrelid <> 'public.events_default'::regclass
  loop
    execute format('alter table public.events detach partition %s', partition);
    execute format('insert into public.events select * from %s', partition);
    execute format('drop table %s', partition);
  end loop;
end
$$;
drop function public.mbflow_ensure_event_partitions(integer);
