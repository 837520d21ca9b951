drop table public.calendars;
