-- The URLs under which webhook triggers take requests, and how many they have taken.

create table public.hook_tokens (
  token_hash  bytea primary key,
  token       text not null,
  trigger_id  uuid not null references public.triggers (id) on delete cascade,
  created_at  timestamptz(3) not null default now(),
  valid_until timestamptz(3),
  constraint hook_tokens_token_hash_check check (octet_length(token_hash) = 32)
);
create index hook_tokens_trigger_id_idx on public.hook_tokens (trigger_id);
create unique index hook_tokens_present_key on public.hook_tokens (trigger_id) where valid_until is null;

comment on table public.hook_tokens is 'What stands in the URLs of webhook triggers. A trigger has one token at present, and those before it for as long as they are valid.';
comment on column public.hook_tokens.token_hash is 'SHA-256 of the token; requests are looked up by it.';
comment on column public.hook_tokens.token is 'The token itself, so that the URL can be shown. Whoever may not call hooks may not read this table.';
comment on column public.hook_tokens.valid_until is 'Null for the present token; of one before it, until when it still works.';

create table public.hook_rates (
  trigger_id uuid primary key references public.triggers (id) on delete cascade,
  minute     timestamptz(3) not null,
  taken      integer not null,
  constraint hook_rates_taken_check check (taken >= 0)
) with (fillfactor = 50);

comment on table public.hook_rates is 'How many requests triggers with max_per_minute take.';
comment on column public.hook_rates.minute is 'The latest minute in which the trigger took any.';
comment on column public.hook_rates.taken is 'How many it took in that minute.';
