-- Which waiting of its node a split stands for: a retry begins another.

alter table public.splits add column since bigint not null default 0;
update public.splits set since = sequence;
comment on column public.splits.since is 'The event since which the node waits for the items: the one that holds them, or a later one after a retry.';
