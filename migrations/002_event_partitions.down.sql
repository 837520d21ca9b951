-- The partitions themselves belong to events and go with it.
drop function if exists public.mbflow_ensure_event_partitions(integer);
