-- Whoever waits for its time loses its line, and is found without a job.
update public.executions set parked_reason = null where parked_reason = 'rate';
drop index public.executions_rate_waiting_idx;
alter table public.executions drop constraint executions_throttled_by_something, drop column rate_key;
drop table public.rate_buckets;
