-- coffer.census() and coffer.stale(): how many values name each key.
\set SHOW_CONTEXT never
CREATE FUNCTION made(key_id bigint) RETURNS bytea LANGUAGE sql
RETURN decode('c142' || lpad(to_hex(key_id), 16, '0') || repeat('ab', 80), 'hex');
CREATE TABLE connection (id int PRIMARY KEY, login text, password bytea);
INSERT INTO connection SELECT i, 'login', made(CASE WHEN i <= 60 THEN 7 WHEN i <= 90 THEN 8 ELSE 9223372036854775807 END)
  FROM generate_series(1, 100) AS i;
INSERT INTO connection VALUES (101, 'none', NULL), (102, 'clear', 'in clear'), (103, 'empty', '');
SELECT * FROM coffer.census('connection', 'password');
SELECT * FROM coffer.stale('connection', 'password', '{8}');
SELECT * FROM coffer.stale('connection', 'password', '{7,8,9223372036854775807}');
SELECT * FROM coffer.stale('connection', 'password', '{}');
SELECT count(*) FROM connection WHERE coffer.key_id(password) = 7;

-- Domains, odd names, partitions, an empty table.
CREATE DOMAIN sealed AS bytea;
CREATE TABLE "Odd ""Table""" ("Odd ""Name""" sealed);
INSERT INTO "Odd ""Table""" VALUES (made(5));
SELECT * FROM coffer.census('"Odd ""Table"""', 'Odd "Name"');
CREATE TABLE parted (id int, value bytea) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
SELECT * FROM coffer.census('parted', 'value');
INSERT INTO parted VALUES (1, made(1)), (2, made(2)), (11, made(1));
SELECT * FROM coffer.census('parted', 'value');

-- Refused.
SELECT * FROM coffer.census('connection', 'login');
SELECT * FROM coffer.census('connection', 'nothing');
SELECT * FROM coffer.census('connection', NULL);
SELECT * FROM coffer.census(NULL, 'password');
SELECT * FROM coffer.census('nothing', 'password');
SELECT * FROM coffer.stale('connection', 'password', NULL);
SELECT * FROM coffer.stale('connection', 'password', '{7,NULL}');
SELECT * FROM coffer.stale('connection', 'password', '{0}');
SELECT * FROM coffer.stale('connection', 'password', '{-1}');
SELECT * FROM coffer.stale('connection', 'login', '{7}');

-- A zero is one of all rows: rows that security hides make it fail, and so does a missing right.
CREATE ROLE pgext_guest;
SET ROLE pgext_guest;
SELECT * FROM coffer.census('connection', 'password');
RESET ROLE;
GRANT SELECT ON connection TO pgext_guest;
ALTER TABLE connection ENABLE ROW LEVEL SECURITY;
SET ROLE pgext_guest;
SELECT * FROM coffer.census('connection', 'password');
RESET ROLE;
DROP TABLE connection, "Odd ""Table""", parted;
DROP DOMAIN sealed;
DROP FUNCTION made;
DROP ROLE pgext_guest;
