-- Coffer's extension, level 2: what is C++ in it. The Makefile appends what both levels share.

\echo Use "CREATE EXTENSION coffer" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

-- ---- Header bytes of any bytea, as in level 1.

CREATE OR REPLACE FUNCTION coffer.is_ciphertext(value bytea) RETURNS boolean
AS 'MODULE_PATHNAME', 'coffer_is_ciphertext' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coffer.key_id(value bytea) RETURNS bigint
AS 'MODULE_PATHNAME', 'coffer_key_id' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coffer.suite(value bytea) RETURNS integer
AS 'MODULE_PATHNAME', 'coffer_suite' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coffer.refuse_plaintext(column_name text) RETURNS boolean
AS 'MODULE_PATHNAME', 'coffer_refuse_plaintext' LANGUAGE C VOLATILE PARALLEL SAFE;

-- ---- The type. Ciphertext does not compress, so its storage is external. No operator on it, not even equality: equal
-- plaintexts have different ciphertexts (suite 4 excepted), so who compares values is about to make a mistake; whoever
-- means the bytes writes value::bytea.

CREATE TYPE coffer.ciphertext;
CREATE FUNCTION coffer.ciphertext_in(cstring) RETURNS coffer.ciphertext
AS 'MODULE_PATHNAME', 'coffer_ciphertext_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION coffer.ciphertext_out(coffer.ciphertext) RETURNS cstring
AS 'MODULE_PATHNAME', 'coffer_ciphertext_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION coffer.ciphertext_recv(internal) RETURNS coffer.ciphertext
AS 'MODULE_PATHNAME', 'coffer_ciphertext_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION coffer.ciphertext_send(coffer.ciphertext) RETURNS bytea
AS 'MODULE_PATHNAME', 'coffer_ciphertext_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE coffer.ciphertext (
  INPUT = coffer.ciphertext_in, OUTPUT = coffer.ciphertext_out,
  RECEIVE = coffer.ciphertext_recv, SEND = coffer.ciphertext_send,
  INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external);
COMMENT ON TYPE coffer.ciphertext IS 'A field ciphertext of Coffer; its form is checked.';

-- Writing checks, so a driver that binds bytea may write as it is (assignment). Reading is the same bytes: explicit, so
-- that no operator of bytea is found for a ciphertext by itself, and without a function, so that ALTER TYPE bytea is instant.
CREATE FUNCTION coffer.ciphertext(value bytea) RETURNS coffer.ciphertext
AS 'MODULE_PATHNAME', 'coffer_ciphertext_from_bytea' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (bytea AS coffer.ciphertext) WITH FUNCTION coffer.ciphertext(bytea) AS ASSIGNMENT;
CREATE CAST (coffer.ciphertext AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION coffer.is_ciphertext(value coffer.ciphertext) RETURNS boolean
AS 'MODULE_PATHNAME', 'coffer_is_ciphertext' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION coffer.key_id(value coffer.ciphertext) RETURNS bigint
AS 'MODULE_PATHNAME', 'coffer_key_id' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION coffer.suite(value coffer.ciphertext) RETURNS integer
AS 'MODULE_PATHNAME', 'coffer_suite' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

