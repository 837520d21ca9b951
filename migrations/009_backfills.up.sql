-- Slots of the past that are fired on request.

create table public.backfills (
  id              uuid primary key default public.mbflow_uuid(),
  trigger_id      uuid not null,
  spec_version    integer not null,
  from_at         timestamptz(3) not null,
  until_at        timestamptz(3) not null,
  overlap         varchar(20) not null,
  max_running     integer not null,
  rate_per_minute integer,
  status          varchar(20) not null default 'running',
  note            text,
  slot_count      integer not null,
  done_count      integer not null default 0,
  fired_count     integer not null default 0,
  next_slot_at    timestamptz(3),
  not_before      timestamptz(3) not null default now(),
  since_at        timestamptz(3) not null default now(),
  since_done      integer not null default 0,
  ended_at        timestamptz(3),
  created_at      timestamptz(3) not null default now(),
  updated_at      timestamptz(3) not null default now(),
  constraint backfills_range_check check (from_at < until_at),
  constraint backfills_overlap_check check (overlap in ('allow', 'skip', 'buffer_all')),
  constraint backfills_limits_check check (max_running >= 1 and rate_per_minute >= 1),
  constraint backfills_status_check check (status in ('running', 'paused', 'completed', 'cancelled')),
  constraint backfills_ended_is_dated check ((status in ('completed', 'cancelled')) = (ended_at is not null)),
  constraint backfills_completed_has_no_slot check ((next_slot_at is null) = (status = 'completed')),
  constraint backfills_counters_check check (
    slot_count >= 1 and fired_count between 0 and done_count and done_count between 0 and slot_count
    and since_done between 0 and done_count)
);
create index backfills_running_idx on public.backfills (not_before) where status = 'running';
create index backfills_trigger_id_idx on public.backfills (trigger_id, created_at);

comment on table public.backfills is 'Ranges of past slots that somebody asked to be fired; schedulers work them off in chunks. Each slot has its row in trigger_fires.';
comment on column public.backfills.trigger_id is 'No foreign key: what was done outlives the trigger.';
comment on column public.backfills.spec_version is 'The rule whose slots they are: that of trigger_specs when it was asked for, whatever is edited since.';
comment on column public.backfills.from_at is 'The range begins with this instant.';
comment on column public.backfills.until_at is 'The range ends before this instant.';
comment on column public.backfills.overlap is 'While an execution of the trigger is not over: allow, skip the slot, or buffer_all = wait.';
comment on column public.backfills.max_running is 'How many of its own executions may be open at once.';
comment on column public.backfills.rate_per_minute is 'How many slots may fire a minute; null = no limit.';
comment on column public.backfills.note is 'Why it is paused or was cancelled, in words; also the error that stopped it.';
comment on column public.backfills.slot_count is 'Slots in the range, excluded ones included.';
comment on column public.backfills.done_count is 'Those disposed of: fired or skipped.';
comment on column public.backfills.fired_count is 'Those fired: each has an execution.';
comment on column public.backfills.next_slot_at is 'The earliest slot not disposed of; null once all are.';
comment on column public.backfills.not_before is 'The rate lets nothing fire before this instant.';
comment on column public.backfills.since_at is 'When it was started or last resumed; how fast it goes is measured from there.';
comment on column public.backfills.since_done is 'done_count at that instant.';
comment on column public.backfills.ended_at is 'When its last slot was disposed of, or it was cancelled.';
