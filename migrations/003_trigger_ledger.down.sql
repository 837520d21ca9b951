drop table public.trigger_fires;
drop table public.trigger_specs;
drop table public.trigger_cursors;
