-- Whoever waits for a pool is found without a job, and goes on where there are no pools.
update public.executions set parked_reason = null, wake_at = null where parked_reason = 'pool';
alter table public.executions drop constraint executions_pooled_somewhere, drop column pool;
