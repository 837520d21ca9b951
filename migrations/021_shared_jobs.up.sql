-- Executions that begin together share jobs: a row of the queue for ten of them, instead of one for each.

alter table public.executions add column shared_job_id uuid;

comment on column public.executions.shared_job_id is
  'The job that carries its first turn and those of others; null: its first job is its own, and has its id.';
