-- Limits on the executions of a workflow: who has a place under one, and who waits for it.

alter table public.executions
  add column limit_key text,
  add constraint executions_limited_by_something check (parked_reason <> 'limit' or limit_key is not null);
create index executions_limit_holding_idx on public.executions (limit_key, id)
  where limit_key is not null and status in ('pending', 'running', 'paused') and parked_reason is distinct from 'limit';
create index executions_limit_waiting_idx on public.executions (limit_key, priority desc, id)
  where parked_reason = 'limit';

comment on column public.executions.limit_key is
  'What its limit is counted by: the name of the workflow, and the value of the limit''s key. It has its place under it, or, with parked_reason limit, waits for one.';
