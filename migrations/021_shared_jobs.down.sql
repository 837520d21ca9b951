alter table public.executions drop column shared_job_id;
