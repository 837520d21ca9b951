-- What of an execution's input is evaluated when it begins.

alter table public.executions add column input_mapping jsonb;

comment on column public.executions.input_data is 'What expressions see as input; with an input_mapping, the part of it that was known when it fired.';
comment on column public.executions.input_mapping is 'Templates that make the rest of the input, or all of it, when the run begins; what they gave is in workflow_started.';
