-- Ends of executions are told by a function that keeps its plans: every flush that ends any calls it.

create or replace function public.mbflow_announce_executions(ids uuid[]) returns void
language plpgsql volatile set search_path = pg_catalog
as $$
begin
  if not exists (
    select from public.triggers t where t.type = 'event' and t.enabled and t.config::text like '%"mbflow.%'
  ) then
    return;
  end if;
  insert into public.inbound_events (source, external_id, type, attributes, data, chain)
  select 'mbflow:executions', e.id || ':' || e.last_sequence, 'mbflow.execution.' || e.status,
    jsonb_build_object('subject', w.name,
      'time', to_char(e.completed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
    jsonb_build_object('execution_id', e.id, 'workflow', w.name, 'version', w.version, 'status', e.status,
      'error', e.error, 'output', case when octet_length(e.output_data::text) <= 262144 then e.output_data end,
      'output_bytes', octet_length(e.output_data::text)),
    array(select jsonb_array_elements_text(
      case when jsonb_typeof(e.trigger_data -> 'chain') = 'array' then e.trigger_data -> 'chain' else '[]' end)) || w.name::text
  from public.executions e join public.workflows w on w.id = e.workflow_id
  where e.id = any(ids) and e.status in ('completed', 'failed') and e.parent_execution_id is null
  on conflict on constraint inbound_events_source_external_id_key do nothing;
end
$$;
