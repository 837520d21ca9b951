alter table public.splits drop column since;
