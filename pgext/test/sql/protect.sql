-- coffer.protect(): what is written from now on is field ciphertext, or NULL.
\set SHOW_CONTEXT never
CREATE FUNCTION made(key_id bigint, suite int DEFAULT 2) RETURNS bytea LANGUAGE sql
RETURN decode('c1' || lpad(to_hex(suite), 2, '0') || lpad(to_hex(key_id), 16, '0') || repeat('ab', 72), 'hex');
CREATE TABLE connection (id int PRIMARY KEY, login text, password bytea, "Odd ""Name""" bytea);
INSERT INTO connection VALUES (0, 'before', 'in clear');

SELECT coffer.protect('connection', 'password'), coffer.protect('connection', 'Odd "Name"');
SELECT coffer.protect('connection', 'password');  -- again: nothing to do
SELECT conname, convalidated, pg_get_constraintdef(oid), obj_description(oid) FROM pg_constraint
 WHERE conrelid = 'connection'::regclass AND contype = 'c' ORDER BY conname;
SELECT * FROM coffer.protected_columns('connection');

INSERT INTO connection VALUES (1, 'a', made(7), NULL), (2, 'b', NULL, made(8));
INSERT INTO connection VALUES (3, 'c', 'a canary that must not show', NULL);
INSERT INTO connection VALUES (3, 'c', NULL, 'a canary that must not show');
INSERT INTO connection VALUES (3, 'c', '', NULL);
INSERT INTO connection VALUES (3, 'c', substring(made(7), 1, 81), NULL);
INSERT INTO connection VALUES (3, 'c', '\xc1', NULL);
UPDATE connection SET password = 'a canary that must not show' WHERE id = 1;
COPY connection (id, password) FROM STDIN;
4	\\x736563726574
\.
MERGE INTO connection c USING (VALUES (1)) AS v(id) ON c.id = v.id
  WHEN MATCHED THEN UPDATE SET password = 'a canary that must not show';
PREPARE write(bytea) AS INSERT INTO connection VALUES (5, 'e', $1, NULL);
EXECUTE write('a canary that must not show');
EXECUTE write(made(9));
-- A session that runs no triggers is held by a CHECK.
SET session_replication_role = replica;
INSERT INTO connection VALUES (6, 'f', 'a canary that must not show', NULL);
RESET session_replication_role;
SELECT id, login, coffer.key_id(password), coffer.key_id("Odd ""Name""") FROM connection ORDER BY id;

-- What was there before stays, and is found.
ALTER TABLE connection VALIDATE CONSTRAINT password_is_ciphertext;
DELETE FROM connection WHERE id = 0;
ALTER TABLE connection VALIDATE CONSTRAINT password_is_ciphertext;

-- Only the CHECK of coffer.protect() counts.
CREATE TABLE lenient (value bytea CHECK (coffer.is_ciphertext(value) OR true), bare bytea CHECK (coffer.is_ciphertext(bare)));
SELECT * FROM coffer.protected_columns('lenient');

-- Partitions and children inherit it.
CREATE TABLE parted (id int, value bytea) PARTITION BY RANGE (id);
SELECT coffer.protect('parted', 'value');
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1, 'a canary that must not show');
INSERT INTO part VALUES (1, 'a canary that must not show');
INSERT INTO parted VALUES (1, made(7));
SELECT * FROM coffer.protected_columns('part');

-- Refused: another type, no such column, a dropped or a system column, NULL, a view.
SELECT coffer.protect('connection', 'login');
SELECT coffer.protect('connection', 'nothing');
SELECT coffer.protect('connection', 'ctid');
SELECT coffer.protect('connection', NULL);
SELECT coffer.protect(NULL, 'password');
SELECT coffer.protect('nothing', 'password');
CREATE VIEW seen AS SELECT * FROM connection;
SELECT coffer.protect('seen', 'password');

-- The refusing half refuses whatever it is called with.
SELECT coffer.refuse_plaintext('password');
SELECT coffer.refuse_plaintext('Odd "Name"');
SELECT coffer.refuse_plaintext('');
SELECT coffer.refuse_plaintext(NULL);
SELECT coffer.refuse_plaintext(repeat('long', 1000)) FROM connection WHERE false;
SELECT * FROM coffer.protected_columns(NULL);
SELECT * FROM coffer.protected_columns('nothing');
SELECT * FROM coffer.protected_columns('seen');
SELECT * FROM coffer.protected_columns('connection_pkey');
SELECT * FROM coffer.protected_columns(0::oid);

-- Only who owns the table.
CREATE ROLE pgext_guest;
GRANT ALL ON lenient TO pgext_guest;
SET ROLE pgext_guest;
SELECT coffer.protect('lenient', 'bare');
RESET ROLE;
DROP TABLE connection, lenient, parted CASCADE;
DROP FUNCTION made;
DROP ROLE pgext_guest;
