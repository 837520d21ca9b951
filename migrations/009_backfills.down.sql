drop table public.backfills;
