PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE `data_source` (
`id` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL
, [url] TEXT -- it's no string
, `secure_json_data` TEXT NULL
, "KEY" TEXT DEFAULT (')'), UNIQUE (`id`,`url`));
INSERT INTO data_source VALUES(1,'http://x','{"password":"a\nb"}',X'2a00FF');
INSERT INTO "data_source" VALUES(-2,'',NULL,1.5e+10);
INSERT INTO data_source VALUES(3,'',
replace(replace('it''s\r\nx','\r',char(13)),'\n',char(10)),unistr('a\u000ab\\c\U0001F600'));
CREATE TABLE IF NOT EXISTS "user" (id INTEGER, login TEXT);
INSERT INTO user(rowid,id,login) VALUES(5,1,'$$ /* grün');
CREATE TABLE data_keys (name, encrypted_data, active);
CREATE TABLE sqlite_sequence(name,seq);
INSERT INTO sqlite_sequence VALUES('data_source',3);
CREATE TRIGGER t AFTER INSERT ON user BEGIN SELECT CASE WHEN 1 THEN 2 END; INSERT INTO data_source VALUES(9,2,3,4); END;
CREATE VIEW v AS SELECT 'begin' AS "INSERT INTO data_source VALUES(1)";
COMMIT;
