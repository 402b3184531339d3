-- Level 2: type coffer.ciphertext takes nothing but field ciphertexts, however it is written.
\set SHOW_CONTEXT never
CREATE FUNCTION made(key_id bigint) RETURNS bytea LANGUAGE sql
RETURN decode('c1C2' || lpad(to_hex(key_id), 16, '0') || repeat('ab', 73), 'hex');
SELECT typname, typlen, typalign, typstorage, typtype, typcategory FROM pg_type WHERE oid = 'coffer.ciphertext'::regtype;
CREATE TABLE connection (id int PRIMARY KEY, password coffer.ciphertext);
INSERT INTO connection VALUES (1, made(7)), (2, NULL);
INSERT INTO connection SELECT 3, made(8)::text::coffer.ciphertext;
INSERT INTO connection VALUES (4, '\xC104000000000000000Fabababababababababababababababab');
SELECT id, password FROM connection WHERE id = 4;
SELECT id, coffer.is_ciphertext(password), coffer.key_id(password), coffer.suite(password),
       password::bytea = made(7) AS same FROM connection ORDER BY id;
SET bytea_output = escape;  -- the type's text form is hex all the same
SELECT password FROM connection WHERE id = 4;
RESET bytea_output;

-- Refused, and never shown: plain text, bytea's escape form, bad hex, an odd digit, empty, a header alone, a value that
-- is cut, a bit that is 0, key id 0.
INSERT INTO connection VALUES (5, 'a canary that must not show');
INSERT INTO connection VALUES (5, '\\301\\004');
INSERT INTO connection VALUES (5, '\xc104zz');
INSERT INTO connection VALUES (5, '\xc104000000000000000fababababababababababababababababa');
INSERT INTO connection VALUES (5, '');
INSERT INTO connection VALUES (5, '\x');
INSERT INTO connection VALUES (5, '\xc104000000000000000f');
INSERT INTO connection VALUES (5, '\xc104000000000000000fababababababababababababababab');
INSERT INTO connection VALUES (5, '\xc114000000000000000fabababababababababababababababab');
INSERT INTO connection VALUES (5, '\xc1040000000000000000abababababababababababababababab');
INSERT INTO connection VALUES (5, '\x736563726574'::bytea);
INSERT INTO connection VALUES (5, 'a canary that must not show'::text);
UPDATE connection SET password = '\x736563726574'::bytea WHERE id = 1;
SELECT 'a canary that must not show'::bytea::coffer.ciphertext;
SELECT coffer.ciphertext('a canary that must not show'::bytea);
COPY connection FROM STDIN;
5	a canary that must not show
\.
-- Well-formed once more: refused is the value, not COPY.
COPY connection FROM STDIN;
5	\\xc104000000000000000fabababababababababababababababab
\.
PREPARE write(coffer.ciphertext) AS INSERT INTO connection VALUES (6, $1);
EXECUTE write('\x736563726574');
PREPARE write_bytes(bytea) AS INSERT INTO connection VALUES (6, $1);
EXECUTE write_bytes('a canary that must not show');
EXECUTE write_bytes(made(9));
DO $$ BEGIN
  INSERT INTO connection VALUES (7, 'a canary that must not show');
EXCEPTION WHEN invalid_text_representation THEN RAISE NOTICE 'refused: %', SQLERRM;
END $$;
SELECT id, coffer.key_id(password) FROM connection ORDER BY id;

-- The binary form is the bytes.
SELECT coffer.ciphertext_send(password) = password::bytea AS same FROM connection WHERE id = 1;

-- No operator on it, so neither index, DISTINCT, ORDER BY nor a join.
SELECT password = password FROM connection;
SELECT DISTINCT password FROM connection;
SELECT password FROM connection ORDER BY password;
SELECT count(*) FROM connection a JOIN connection b USING (password);
CREATE INDEX ON connection (password);
SELECT count(DISTINCT password::bytea) FROM connection;
ANALYZE connection;
SELECT null_frac, most_common_vals, histogram_bounds FROM pg_stats
 WHERE tablename = 'connection' AND attname = 'password';

-- Domains over it, values that are stored apart.
CREATE DOMAIN sealed AS coffer.ciphertext NOT NULL;
CREATE TABLE typed (value sealed);
INSERT INTO typed SELECT made(7) || decode(repeat('cd', 100000), 'hex');
INSERT INTO typed SELECT 'a canary that must not show';
SELECT coffer.key_id(value), length(value::bytea) FROM typed;
SELECT * FROM coffer.protected_columns('typed');
SELECT * FROM coffer.census('typed', 'value');
SELECT * FROM coffer.census('connection', 'password');
SELECT coffer.protect('connection', 'password');  -- the type does

-- From bytea and back: to the type, each value is checked; back, nothing is read.
CREATE TABLE grows (id int, value bytea);
SELECT coffer.protect('grows', 'value');
INSERT INTO grows VALUES (1, made(7)), (2, NULL);
SELECT coffer.masked_view('grows');
ALTER TABLE grows ALTER value TYPE coffer.ciphertext;
SELECT * FROM coffer.protected_columns('grows');
SELECT * FROM grows_masked ORDER BY id;
SELECT relfilenode AS before FROM pg_class WHERE oid = 'grows'::regclass \gset
ALTER TABLE grows ALTER value TYPE bytea USING value::bytea;
SELECT relfilenode = :before AS not_rewritten FROM pg_class WHERE oid = 'grows'::regclass;
SELECT * FROM coffer.protected_columns('grows');
INSERT INTO grows VALUES (3, 'a canary that must not show');
ALTER TABLE grows DROP CONSTRAINT value_is_ciphertext;
INSERT INTO grows VALUES (3, 'in clear');
ALTER TABLE grows ALTER value TYPE coffer.ciphertext;
DROP TABLE connection, typed, grows CASCADE;
DROP DOMAIN sealed;
DROP FUNCTION made;
