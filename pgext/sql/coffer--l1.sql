-- Takes over a level 1 that coffer-l1.sql made, function by function, so that CHECKs and views stay as they are:
--
--   CREATE EXTENSION coffer VERSION 'l1';
--   ALTER EXTENSION coffer UPDATE;
--
-- The functions keep their owner here, as nobody has looked at what they do: this runs as a superuser for whoever owns
-- the database. The update replaces every one of them, and only then takes it.

\echo Use "CREATE EXTENSION coffer VERSION 'l1'" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

ALTER EXTENSION coffer ADD FUNCTION coffer.is_ciphertext(bytea);
ALTER EXTENSION coffer ADD FUNCTION coffer.key_id(bytea);
ALTER EXTENSION coffer ADD FUNCTION coffer.suite(bytea);
ALTER EXTENSION coffer ADD FUNCTION coffer.refuse_plaintext(text);
ALTER EXTENSION coffer ADD FUNCTION coffer.protected_columns(regclass);
ALTER EXTENSION coffer ADD FUNCTION coffer.protect(regclass, name);
ALTER EXTENSION coffer ADD FUNCTION coffer.census(regclass, name);
ALTER EXTENSION coffer ADD FUNCTION coffer.stale(regclass, name, bigint[]);
ALTER EXTENSION coffer ADD FUNCTION coffer.masked_view(regclass, name[]);
ALTER EXTENSION coffer ADD FUNCTION coffer.create_roles();
ALTER EXTENSION coffer ADD FUNCTION coffer.grant_roles(regclass);
