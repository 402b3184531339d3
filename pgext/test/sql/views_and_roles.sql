-- Views with ***, and the four roles.
\set SHOW_CONTEXT never
CREATE FUNCTION made(key_id bigint) RETURNS bytea LANGUAGE sql
RETURN decode('c142' || lpad(to_hex(key_id), 16, '0') || repeat('ab', 80), 'hex');
CREATE SCHEMA shop;
CREATE TABLE shop.connection (id int PRIMARY KEY, login text, password bytea, login_exact bigint);
SELECT coffer.masked_view('shop.connection');  -- nothing to hide
SELECT coffer.protect('shop.connection', 'password');
INSERT INTO shop.connection VALUES (1, 'ann', made(7), 1234567), (2, 'bob', NULL, 7654321);
SELECT coffer.masked_view('shop.connection');
SELECT * FROM shop.connection_masked ORDER BY id;
SELECT coffer.masked_view('shop.connection', '{login_exact}');  -- another type: made anew
SELECT * FROM shop.connection_masked ORDER BY id;
ALTER TABLE shop.connection ADD later text DEFAULT 'not in the view';
SELECT * FROM shop.connection_masked ORDER BY id;
SELECT coffer.masked_view('shop.connection', '{login_exact}'), coffer.masked_view('shop.connection', '{login_exact}');
SELECT * FROM shop.connection_masked ORDER BY id;
SELECT obj_description('shop.connection_masked'::regclass), reloptions FROM pg_class
 WHERE oid = 'shop.connection_masked'::regclass;

-- Refused: no such column, NULL, a name that is taken, a name that is too long, nothing to hide.
SELECT coffer.masked_view('shop.connection', '{nothing}');
SELECT coffer.masked_view('shop.connection', NULL);
SELECT coffer.masked_view(NULL);
SELECT coffer.masked_view('nothing');
CREATE TABLE shop.taken (value bytea);
CREATE VIEW shop.taken_masked AS SELECT 1 AS mine;
SELECT coffer.protect('shop.taken', 'value');
SELECT coffer.masked_view('shop.taken');
SELECT * FROM shop.taken_masked;
CREATE TABLE shop.t23456789012345678901234567890123456789012345678901234567 (value bytea);
SELECT coffer.protect('shop.t23456789012345678901234567890123456789012345678901234567', 'value');
SELECT coffer.masked_view('shop.t23456789012345678901234567890123456789012345678901234567');

-- Roles.
SELECT coffer.create_roles(), coffer.create_roles();
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname ~ '^coffer_' ORDER BY 1;
SELECT pg_has_role('coffer_dba', 'coffer_owner', 'usage'), pg_has_role('coffer_auditor', 'coffer_owner', 'usage');
GRANT USAGE ON SCHEMA shop TO coffer_app, coffer_dba, coffer_auditor;
SELECT coffer.grant_roles('shop.connection');
SELECT coffer.grant_roles('nothing');
SELECT coffer.grant_roles(NULL);
CREATE TABLE shop.plain (id int);
SELECT coffer.grant_roles('shop.plain');
SET ROLE coffer_auditor;
SELECT * FROM shop.connection_masked ORDER BY id;
SELECT password FROM shop.connection;
SELECT coffer.grant_roles('shop.connection');
SET ROLE coffer_app;
INSERT INTO shop.connection VALUES (3, 'eve', made(8), 5);
INSERT INTO shop.connection VALUES (4, 'eve', 'in clear', 5);
ALTER TABLE shop.connection DROP CONSTRAINT password_is_ciphertext;
SET ROLE coffer_dba;
SELECT * FROM coffer.census('shop.connection', 'password');
UPDATE shop.connection SET password = made(9) WHERE coffer.key_id(password) = 8;
UPDATE shop.connection SET login = 'mallory';
SELECT * FROM coffer.stale('shop.connection', 'password', '{9}');
RESET ROLE;
-- Who may create no roles is told which are missing; the rest goes on.
CREATE ROLE pgext_guest;
ALTER ROLE coffer_auditor RENAME TO pgext_auditor;
SET ROLE pgext_guest;
SELECT coffer.create_roles();
RESET ROLE;
ALTER ROLE pgext_auditor RENAME TO coffer_auditor;
DROP ROLE pgext_guest;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP FUNCTION made;
