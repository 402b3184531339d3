-- Level 2: SECURITY LABEL FOR coffer names the field that a column holds.
\set SHOW_CONTEXT never
LOAD 'coffer';
CREATE TABLE connection (id int PRIMARY KEY, login text, password coffer.ciphertext, token bytea);
SECURITY LABEL FOR coffer ON COLUMN connection.password IS 'field=shop.connection.password';
SECURITY LABEL FOR coffer ON COLUMN connection.token IS 'field=_a.b0.c_d';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=shop.connection.login';  -- a warning
SELECT objname, label FROM pg_seclabels WHERE provider = 'coffer' ORDER BY 1;
SELECT * FROM coffer.protected_columns('connection');
SECURITY LABEL FOR coffer ON COLUMN connection.login IS NULL;
SELECT objname, label FROM pg_seclabels WHERE provider = 'coffer' ORDER BY 1;

-- Refused: no key, two parts, four parts, an empty part, letters that a name has not, a digit first, 64 letters, blanks,
-- the empty label.
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'shop.connection.login';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=connection.login';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=a.b.c.d';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=a..c';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=a.b.';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=.b.c';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=Shop.connection.login';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=shop.connection.1login';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS
  'field=shop.connection.l23456789012345678901234567890123456789012345678901234567890123x';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS ' field=shop.connection.login';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=shop.connection.login ';
SECURITY LABEL FOR coffer ON COLUMN connection.login IS '';
-- On nothing but columns.
SECURITY LABEL FOR coffer ON TABLE connection IS 'field=shop.connection.password';
SECURITY LABEL FOR coffer ON SCHEMA public IS 'field=shop.connection.password';
SECURITY LABEL FOR coffer ON COLUMN connection.nothing IS 'field=shop.connection.password';
-- By nobody but its owner.
CREATE ROLE pgext_guest;
GRANT ALL ON connection TO pgext_guest;
SET ROLE pgext_guest;
SECURITY LABEL FOR coffer ON COLUMN connection.login IS 'field=shop.connection.login';
RESET ROLE;
DROP TABLE connection;
SELECT count(*) FROM pg_seclabel WHERE provider = 'coffer';
DROP ROLE pgext_guest;
