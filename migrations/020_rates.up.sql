-- Rates: how often executions of a workflow, or of each value of a key, may begin.

-- To the microsecond, unlike other instants: tokens may come in faster than milliseconds, and no program reads when.
create table public.rate_buckets (
  key        text primary key,
  missing    double precision not null default 0,
  counted_at timestamptz not null default now(),
  full_at    timestamptz not null default now(),
  wake_at    timestamptz,
  constraint rate_buckets_missing_check check (missing >= 0)
);
create index rate_buckets_wake_at_idx on public.rate_buckets (wake_at) where wake_at is not null;

comment on table public.rate_buckets is 'The tokens of rates. A key without a row has a full bucket.';
comment on column public.rate_buckets.key is 'What the rate is counted by: the name of the workflow, and the value of the rate''s key.';
comment on column public.rate_buckets.missing is 'Tokens that were missing at counted_at.';
comment on column public.rate_buckets.counted_at is 'Since when tokens have come in that are not counted yet.';
comment on column public.rate_buckets.full_at is 'When all its tokens are there again, if nobody takes one.';
comment on column public.rate_buckets.wake_at is 'When there is a token for those who wait; null: nobody does.';

alter table public.executions
  add column rate_key text,
  add constraint executions_throttled_by_something check (parked_reason <> 'rate' or rate_key is not null);
create index executions_rate_waiting_idx on public.executions (rate_key, priority desc, id)
  where parked_reason = 'rate';

comment on column public.executions.rate_key is
  'What its rate is counted by: it has passed it, or, with parked_reason rate, waits for that.';
