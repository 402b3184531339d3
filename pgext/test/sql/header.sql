-- Header bytes: the same answers from both levels.
\set SHOW_CONTEXT never
CREATE TEMP TABLE made (what text, value bytea);
-- suite, least body, and what flags do to it
INSERT INTO made
SELECT format('suite %s flags %s body %s', suite, to_hex(flags), size),
       decode('c1' || lpad(to_hex(suite | flags), 2, '0') || '00000000000000ff', 'hex')
         || decode(repeat('ab', size), 'hex')
  FROM (VALUES (1, 40), (2, 72), (4, 16), (3, 72), (0, 72), (5, 72), (15, 72)) AS s(suite, least),
       (VALUES (0), (32), (64), (128), (224), (16)) AS f(flags),
       LATERAL (VALUES (least - 1), (least), (least + 1)) AS b(size);
SELECT what FROM made WHERE coffer.is_ciphertext(value) ORDER BY what;
SELECT count(*) FROM made WHERE NOT coffer.is_ciphertext(value);
SELECT count(*) FROM made WHERE coffer.is_ciphertext(value) <> (coffer.key_id(value) IS NOT NULL)
                             OR coffer.is_ciphertext(value) <> (coffer.suite(value) IS NOT NULL);
SELECT DISTINCT coffer.suite(value), coffer.key_id(value) FROM made ORDER BY 1;

-- Key ids: 1 to 2^63 - 1.
SELECT id, coffer.is_ciphertext(value), coffer.key_id(value)
  FROM (SELECT id, decode('c104' || id || repeat('00', 16), 'hex') AS value
          FROM unnest('{0000000000000000,0000000000000001,0000000000000100,00000000ffffffff,45fcc99ddf2c010d,
                        7fffffffffffffff,8000000000000000,ffffffffffffffff}'::text[]) AS id) AS i;

-- Too short, another format byte, empty, NULL.
SELECT coffer.is_ciphertext('\x'::bytea), coffer.is_ciphertext('\xc1'::bytea),
       coffer.is_ciphertext('\xc10400000000000000ff'::bytea), coffer.is_ciphertext(NULL::bytea),
       coffer.is_ciphertext(decode('c2c2' || '00000000000000ff' || repeat('ab', 90), 'hex'));
SELECT coffer.key_id('\x'::bytea), coffer.key_id('\xc1'::bytea), coffer.key_id('plaintext'::bytea),
       coffer.key_id(NULL::bytea), coffer.key_id('\x736563726574'::bytea);
SELECT coffer.suite('\x'::bytea), coffer.suite('\xc1'::bytea), coffer.suite('plaintext'::bytea),
       coffer.suite(NULL::bytea), coffer.suite('\x736563726574'::bytea);

-- Values that are stored apart, and compressed ones.
CREATE TEMP TABLE apart (value bytea);
ALTER TABLE apart ALTER value SET STORAGE EXTERNAL;
INSERT INTO apart SELECT decode('c141' || '00000000000000fe' || repeat('cd', 100000), 'hex');
ALTER TABLE apart ALTER value SET STORAGE EXTENDED;
INSERT INTO apart SELECT decode('c141' || '00000000000000fd' || repeat('cd', 100000), 'hex');
SELECT coffer.key_id(value), coffer.suite(value), length(value), pg_column_size(value) < 10000 AS compressed
  FROM apart ORDER BY 1;

-- Other types are refused.
SELECT coffer.is_ciphertext('secret'::text);
SELECT coffer.key_id(42);
SELECT coffer.suite('secret'::text);
