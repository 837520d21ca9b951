-- Without CASCADE: what others built on these tables is theirs to drop, and PostgreSQL names it.
drop table public.events;
drop table public.node_executions;
drop table public.executions;
drop table public.triggers;
drop table public.edges;
drop table public.nodes;
drop table public.workflows;
drop function public.mbflow_add_event_partition(text, text, text);
drop function public.mbflow_refuse_event_change();
drop function public.mbflow_refuse_published_change();
drop function public.mbflow_refuse_published_rewrite();
drop function public.mbflow_uuid_at(timestamptz);
drop function public.mbflow_uuid();
