-- The database roles of one installation; run once, as a superuser, inside the database "casework".
-- The embedded engines and a real server (compose.yaml) run this same file. Passwords are set apart from it.

CREATE ROLE cw_owner  LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
CREATE ROLE cw_web    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
CREATE ROLE cw_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
CREATE ROLE cw_sealer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
-- A backup must see every row, and may change none.
CREATE ROLE cw_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS;
ALTER ROLE cw_backup SET default_transaction_read_only = on;
GRANT pg_read_all_data TO cw_backup;

ALTER DATABASE casework OWNER TO cw_owner;
REVOKE ALL ON DATABASE casework FROM PUBLIC;
-- The maintenance database is for superusers, and large objects are for nobody: both would be places to put things.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) FROM PUBLIC;
GRANT CONNECT ON DATABASE casework TO cw_web, cw_worker, cw_sealer, cw_backup;

-- What each role may do with a table is granted by the migration that makes the table.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cw_web, cw_worker, cw_sealer, cw_backup;
