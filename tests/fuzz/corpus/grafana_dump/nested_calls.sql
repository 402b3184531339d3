BEGIN TRANSACTION;
CREATE TABLE t(a,b AS (a),c);
INSERT INTO t VALUES(replace(replace('\n''','\n',char(10)),'',char(0)),unistr('\u00fc\+01f600'));
COMMIT;
