-- Of the ledger, only slots are looked up by time; requests are looked up by their keys.

drop index public.trigger_fires_slot_at_idx;
create index trigger_fires_slot_at_idx on public.trigger_fires (trigger_id, slot_at) where slot_at is not null;
