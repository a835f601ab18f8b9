-- The database in which backups are tried out ("restore --verify"); run once, as a superuser, after roles.sql.
-- The embedded engines and a real server (compose.yaml) run this same file. No role that serves people may connect to it.
CREATE DATABASE casework_scratch OWNER cw_owner;
REVOKE ALL ON DATABASE casework_scratch FROM PUBLIC;
