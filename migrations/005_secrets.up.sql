-- Secrets that workflows name, each sealed with a key of its own, which is sealed with a master key that is not here.

create table public.secrets (
  name       varchar(64) primary key,
  version    integer not null,
  value      bytea not null,
  data_key   bytea not null,
  key_id     varchar(16) not null,
  updated_by text not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  constraint secrets_name_check check (name ~ '^[a-z][a-z0-9_]*$'),
  constraint secrets_version_check check (version >= 1),
  constraint secrets_is_sealed check (octet_length(value) > 28 and octet_length(data_key) = 60)
);

comment on table public.secrets is 'Secrets by name, sealed: whoever has this table and not the master key has nothing.';
comment on column public.secrets.value is 'AES-256-GCM under the data key: 12 bytes of nonce, the text, 16 bytes of tag. Name and version are authenticated with it.';
comment on column public.secrets.data_key is 'The key of the value, likewise under the master key.';
comment on column public.secrets.key_id is 'Which master key that is: the beginning of a hash of it.';
comment on column public.secrets.updated_by is 'Who set this version.';
