drop table public.secrets;
