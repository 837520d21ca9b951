drop index public.executions_items_failed_idx;
drop index public.executions_items_open_idx;
drop table public.splits;
