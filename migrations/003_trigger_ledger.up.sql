-- What time triggers owe, what every trigger did, and what each rule was at any time.

create table public.trigger_cursors (
  trigger_id           uuid primary key references public.triggers (id) on delete cascade,
  next_fire_at         timestamptz(3) not null,
  consecutive_failures integer not null default 0,
  constraint trigger_cursors_failures_check check (consecutive_failures >= 0)
) with (fillfactor = 70);
create index trigger_cursors_next_fire_at_idx on public.trigger_cursors (next_fire_at);

comment on table public.trigger_cursors is 'One row per enabled time trigger that has a slot to come; the poller claims from here.';
comment on column public.trigger_cursors.next_fire_at is 'The earliest slot not yet disposed of.';
comment on column public.trigger_cursors.consecutive_failures is 'Failures in a row; 0 after a success.';

create table public.trigger_specs (
  trigger_id   uuid not null references public.triggers (id) on delete cascade,
  spec_version integer not null,
  workflow_id  uuid not null,
  type         varchar(50) not null,
  config       jsonb not null,
  anchor_at    timestamptz(3) not null,
  enabled      boolean not null,
  valid_from   timestamptz(3) not null default now(),
  constraint trigger_specs_pkey primary key (trigger_id, spec_version),
  constraint trigger_specs_spec_version_check check (spec_version >= 1)
);
comment on table public.trigger_specs is 'Every rule a trigger ever had, so that its past stays explainable.';
comment on column public.trigger_specs.workflow_id is 'The version it fired then. No foreign key: the past outlives what it speaks of.';
comment on column public.trigger_specs.valid_from is 'From this instant until the next version''s; slots before it follow the version before.';

create table public.trigger_fires (
  trigger_id   uuid not null,
  fire_key     text not null,
  disposition  varchar(20) not null,
  reason       varchar(50),
  slot_at      timestamptz(3),
  slot_until   timestamptz(3),
  slot_count   integer not null default 1,
  execution_id uuid,
  request_hash bytea,
  decided_at   timestamptz(3) not null default now(),
  constraint trigger_fires_pkey primary key (trigger_id, fire_key),
  constraint trigger_fires_fire_key_check check (fire_key ~ '^(slot|dlv|evt|req|bf):.'),
  constraint trigger_fires_disposition_check check (disposition in ('fired', 'buffered', 'coalesced', 'skipped')),
  constraint trigger_fires_reason_check check (
    reason is null or reason in ('overlap', 'misfire', 'excluded', 'bounds', 'limit', 'paused')),
  constraint trigger_fires_reason_iff_not_fired check ((reason is null) = (disposition in ('fired', 'buffered'))),
  constraint trigger_fires_execution_iff_fired check ((execution_id is not null) = (disposition = 'fired')),
  constraint trigger_fires_slot_run_check check (
    slot_count >= 1 and (slot_at is null) = (slot_until is null) and (slot_until is null or slot_until >= slot_at)
    and (slot_count = 1 or slot_at is not null) and (slot_at is not null or fire_key not like 'slot:%'))
);
create index trigger_fires_slot_at_idx on public.trigger_fires (trigger_id, slot_at);
create index trigger_fires_buffered_idx on public.trigger_fires (trigger_id, slot_at) where disposition = 'buffered';

comment on table public.trigger_fires is 'The ledger: what became of every slot and every request. Its primary key is the proof that a trigger fires once.';
comment on column public.trigger_fires.fire_key is 'What makes a fire unique: slot:<instant>, dlv:<delivery>, evt:<event>, req:<token>:<key>, bf:<backfill>:<instant>.';
comment on column public.trigger_fires.disposition is 'fired; buffered = will fire when the limit allows; coalesced = a later slot stands for it; skipped.';
comment on column public.trigger_fires.reason is 'Why it was not fired.';
comment on column public.trigger_fires.slot_at is 'The slot, or the first of a run of slots disposed of for one reason.';
comment on column public.trigger_fires.slot_until is 'The last slot of the run (the slot itself for a run of one).';
comment on column public.trigger_fires.execution_id is 'The execution it started. No foreign key: the ledger and the executions are retained apart.';
comment on column public.trigger_fires.request_hash is 'Hash of the request body behind a request key, so that the same key with another body is refused.';
