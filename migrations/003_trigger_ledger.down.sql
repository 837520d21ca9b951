drop table if exists public.trigger_fires;
drop table if exists public.trigger_specs;
drop table if exists public.trigger_cursors;
