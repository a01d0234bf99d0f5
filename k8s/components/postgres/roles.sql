-- Who may do what: the bot owns its database and nothing else, whoever makes backups or counts photos only reads. The
-- superuser has no password, so it comes in by the socket within the container and never by the network.
--
-- The image runs this once, when its volume is empty, with the container's variables. It can be run again at any time, as
-- when a password has changed: docs/operations.md, "Upgrades". A role without a password in the variables cannot log in.
\set ON_ERROR_STOP on
\getenv bot_password POSTGRES_PASSWORD
\getenv backup_password BACKUP_PASSWORD
\getenv keda_password KEDA_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['bot', 'backup', 'keda']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE bot LOGIN PASSWORD :'bot_password';
\if :{?backup_password}
ALTER ROLE backup LOGIN PASSWORD :'backup_password';
\endif
\if :{?keda_password}
ALTER ROLE keda LOGIN PASSWORD :'keda_password';
\endif

-- What the bot has made and will make; pg_read_all_data would tell the hashes of passwords, too.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO backup, keda;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO backup;
ALTER DEFAULT PRIVILEGES FOR ROLE bot IN SCHEMA public GRANT SELECT ON TABLES TO backup, keda;
ALTER DEFAULT PRIVILEGES FOR ROLE bot IN SCHEMA public GRANT SELECT ON SEQUENCES TO backup;

ALTER DATABASE tfstyle OWNER TO bot;
REVOKE ALL ON DATABASE tfstyle, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE tfstyle TO backup, keda;

ALTER ROLE CURRENT_USER PASSWORD NULL;
