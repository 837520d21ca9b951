-- Calendars that triggers share: times at which nothing is to fire.

create table public.calendars (
  name        varchar(100) primary key,
  description text,
  config      jsonb not null,
  created_at  timestamptz(3) not null default now(),
  updated_at  timestamptz(3) not null default now(),
  constraint calendars_name_check check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'),
  constraint calendars_config_is_object check (jsonb_typeof(config) = 'object')
);

comment on table public.calendars is 'Calendars by name; triggers name them in config.exclude. An excluded slot is skipped, with its row in the ledger.';
comment on column public.calendars.config is 'What is excluded: dates, weekdays, times of day, and the time zone they are meant in.';
