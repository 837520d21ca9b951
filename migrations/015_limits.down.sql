-- Whoever waits for a place loses its line, and is found without a job.
update public.executions set parked_reason = null where parked_reason = 'limit';
drop index public.executions_limit_waiting_idx;
drop index public.executions_limit_holding_idx;
alter table public.executions drop constraint executions_limited_by_something, drop column limit_key;
