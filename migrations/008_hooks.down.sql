drop table public.hook_rates;
drop table public.hook_tokens;
