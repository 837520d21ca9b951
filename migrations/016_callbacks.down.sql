drop table public.callbacks;
