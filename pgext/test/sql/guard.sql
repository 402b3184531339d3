-- Level 2: guard rails against plaintext in labelled columns, COPY included.
\set SHOW_CONTEXT never
LOAD 'coffer';
CREATE FUNCTION made(key_id bigint) RETURNS bytea LANGUAGE sql
RETURN decode('c142' || lpad(to_hex(key_id), 16, '0') || repeat('ab', 80), 'hex');
CREATE TABLE connection (id int PRIMARY KEY, note text, password coffer.ciphertext, token bytea);
INSERT INTO connection VALUES (1, 'no label yet', made(7), 'in clear');
SET client_min_messages = error;
SECURITY LABEL FOR coffer ON COLUMN connection.note IS 'field=shop.connection.note';
SECURITY LABEL FOR coffer ON COLUMN connection.password IS 'field=shop.connection.password';
SECURITY LABEL FOR coffer ON COLUMN connection.token IS 'field=shop.connection.token';
RESET client_min_messages;

-- A column whose type holds plaintext, in every way of writing.
INSERT INTO connection VALUES (2, 'a canary', made(7), NULL);
INSERT INTO connection (id, note) SELECT 2, 'a canary';
UPDATE connection SET note = 'a canary';
UPDATE connection SET note = NULL WHERE false;
INSERT INTO connection (id, password) VALUES (1, made(8)) ON CONFLICT (id) DO UPDATE SET note = 'a canary';
MERGE INTO connection c USING (VALUES (1)) AS v(id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET note = 'a canary';
WITH w AS (UPDATE connection SET note = 'a canary' RETURNING 1) SELECT * FROM w;
COPY connection (id, note) FROM STDIN;
2	a canary
\.
COPY connection FROM STDIN;
2	a canary
\.
PREPARE write(text) AS UPDATE connection SET note = $1;
EXECUTE write('a canary');
CREATE VIEW seen AS SELECT id, note FROM connection;
UPDATE seen SET note = 'a canary';
CREATE FUNCTION by_function() RETURNS void LANGUAGE sql AS $$ UPDATE connection SET note = 'a canary' $$;
SELECT by_function();
-- Anything else goes on.
INSERT INTO connection (id, password) VALUES (2, made(9));
UPDATE connection SET password = made(9) WHERE id = 1;
COPY connection (id) FROM STDIN;
3
\.
DELETE FROM connection WHERE id = 3;
SELECT id, coffer.key_id(password) FROM connection ORDER BY id;

-- bytea is left to its CHECK, since a restore fills labelled tables before it makes one. The answer follows the type and
-- the label at once.
UPDATE connection SET token = made(7);
SELECT coffer.protect('connection', 'token');
UPDATE connection SET token = 'a canary';
UPDATE connection SET token = made(8);
ALTER TABLE connection ALTER token TYPE coffer.ciphertext;
ALTER TABLE connection ALTER token TYPE bytea USING token::bytea;
SECURITY LABEL FOR coffer ON COLUMN connection.note IS NULL;
UPDATE connection SET note = 'no label';
BEGIN;
SET client_min_messages = error;
SECURITY LABEL FOR coffer ON COLUMN connection.note IS 'field=shop.connection.note';
SAVEPOINT one;
UPDATE connection SET note = 'a canary';
ROLLBACK;
UPDATE connection SET note = NULL;
SET client_min_messages = error;
SECURITY LABEL FOR coffer ON COLUMN connection.note IS 'field=shop.connection.note';
SECURITY LABEL FOR coffer ON COLUMN connection.token IS NULL;
RESET client_min_messages;
UPDATE connection SET note = NULL;

-- A labelled column keeps a type that holds ciphertext.
ALTER TABLE connection ALTER password TYPE text USING 'in clear';
ALTER TABLE connection ALTER password TYPE jsonb USING 'null';
ALTER TABLE connection ALTER password TYPE varchar(10);
DROP VIEW seen;
ALTER TABLE connection ALTER note TYPE varchar(100);
ALTER TABLE connection ALTER note SET DEFAULT 'x';
ALTER TABLE connection RENAME note TO remark;
ALTER TABLE connection DROP CONSTRAINT token_is_ciphertext, ALTER token TYPE text USING 'no label';
ALTER TABLE connection ALTER password TYPE coffer.ciphertext;

-- Superusers may turn errors into warnings; nobody else may.
SET coffer.guard = warning;
UPDATE connection SET remark = 'seen as a warning' WHERE id = 1;
COPY connection (id, remark) FROM STDIN;
4	seen as a warning
\.
ALTER TABLE connection ALTER password TYPE text USING 'in clear';
RESET coffer.guard;
SELECT id, remark FROM connection WHERE remark IS NOT NULL ORDER BY id;
CREATE ROLE pgext_guest;
SET ROLE pgext_guest;
SET coffer.guard = warning;
SET coffer.guard = off;
SET coffer.nothing = 1;
RESET ROLE;
SET coffer.guard = off;
-- Nor before the library is loaded.
\c -
\set SHOW_CONTEXT never
SET ROLE pgext_guest;
SET coffer.guard = warning;
SELECT coffer.key_id('\x'::bytea);
SHOW coffer.guard;
RESET ROLE;
DROP TABLE connection CASCADE;
DROP FUNCTION made, by_function;
DROP ROLE pgext_guest;
