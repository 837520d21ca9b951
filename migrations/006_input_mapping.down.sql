alter table public.executions drop column input_mapping;
comment on column public.executions.input_data is 'What expressions see as input.';
