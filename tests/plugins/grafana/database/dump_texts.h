// Small dumps that tests read, with what comes out of them. Each has what its program writes, and traps around it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

inline std::vector<WantedTable> WantedOfDumps() {
  return {
      {"user", {"login", "id"}},
      {"data_keys", {"name", "encrypted_data", "active", "scope"}},
      {"plugin_setting", {"id"}},
      {"data_source", {"id", "secure_json_data", "password", "key"}},
  };
}

inline constexpr std::string_view kPostgresBegin = R"(--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
)";

inline constexpr std::string_view kPostgresTables = R"(
CREATE FUNCTION public."insert"() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$ begin INSERT INTO public.data_source VALUES (9, '$$;', $1); end; $$_$;

CREATE FUNCTION public.both(begin integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN true THEN 1 ELSE 2
     END;
 INSERT INTO public.data_source (id)
   VALUES (9);
END;

CREATE TABLE public.alert (
    note text DEFAULT 'COPY public.data_source (id) FROM stdin;'::text
);

/* a comment /* in a comment */ INSERT INTO public.data_source VALUES (8); */
CREATE TABLE public.data_keys (
    name character varying(100) NOT NULL,
    active boolean NOT NULL,
    encrypted_data bytea,
    CONSTRAINT "check" CHECK (((name)::text <> ','::text))
);

CREATE TABLE public.data_source (
    id integer NOT NULL,
    url text DEFAULT ''::text,
    secure_json_data text,
    key bytea[]
);

CREATE RULE twice AS
    ON INSERT TO public.alert DO INSTEAD (SELECT 1 AS "?column?"; INSERT INTO public.data_source (id) VALUES (9); );

CREATE UNLOGGED TABLE public."user" (
    id integer NOT NULL,
    login character varying(190)
);
)";

inline constexpr std::string_view kPostgresEnd = R"(
ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_pkey PRIMARY KEY (id);

CREATE TRIGGER alert AFTER INSERT ON public.alert FOR EACH ROW EXECUTE FUNCTION public."insert"();

--
-- PostgreSQL database dump complete
--

\unrestrict abc

)";

// Tabs stand between fields.
inline constexpr std::string_view kCopies =
    "COPY public.alert (note) FROM stdin;\n"
    "\\\\.\n"
    "\\.x\n"
    "COPY public.data_source (id) FROM stdin;\n"
    "\\.\n"
    "COPY public.data_keys (name, active, encrypted_data) FROM stdin;\n"
    "k1\tt\t\\\\x2a00FF\n"
    "k2\tf\t\\N\n"
    "k3\tt\t\\\\\\\\a\\\\001\n"
    "\\.\n"
    "\n"
    "COPY public.data_source (id, url, secure_json_data, key) FROM stdin;\n"
    "1\thttp://x\t{\"password\":\"a\\\\nb\"}\t{\"\\\\\\\\x2a\"}\n"
    "2\t\t\\N\t\\N\n"
    "3\t\t\\\\N\\t\\n\\r\\b\\f\\v\\101\\x42\\q\t\n"
    "\\.\n"
    "\n"
    "COPY public.\"user\" (id, login) FROM stdin;\n"
    "1\tgr\xc3\xbcn\n"
    "\\.\n";

inline constexpr std::string_view kInserts = R"(
INSERT INTO public.alert VALUES ('INSERT INTO public.data_source VALUES (7);');
INSERT INTO public.data_keys VALUES ('k1', true, '\x2a00FF'), ('k2', false, NULL);
INSERT INTO public.data_keys (encrypted_data, active, name) OVERRIDING SYSTEM VALUE
    VALUES (E'\\\\a\\001', true, 'k3') ON CONFLICT DO NOTHING;
INSERT INTO public.data_source VALUES (1, 'http://x', '{"password":"a\nb"}', '{"\\x2a"}');
INSERT INTO public.data_source VALUES
	(2, '', NULL, DEFAULT),
	(3, '', E'\\N\t\n\r\b\f\013\101\x42\q', '');
INSERT INTO public."user" VALUES (1, 'grün');
)";

// Of both.
inline std::vector<std::string> RowsOfPostgres() {
  return {
      "data_keys: k1|" + std::string("\x2a\x00\xff", 3) + "|true|~",
      "data_keys: k2|~|false|~",
      "data_keys: k3|\\a\x01|true|~",
      "data_source: 1|{\"password\":\"a\\nb\"}|~|{\"\\\\x2a\"}",
      "data_source: 2|~|~|~",
      "data_source: 3|\\N\t\n\r\b\f\vABq|~|",
      "user: gr\xc3\xbcn|1",
  };
}

inline constexpr std::string_view kSqliteDump = R"sql(PRAGMA foreign_keys=OFF;
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
)sql";

inline std::vector<std::string> RowsOfSqlite() {
  return {
      "data_source: 1|{\"password\":\"a\\nb\"}|~|" + std::string("\x2a\x00\xff", 3),
      "data_source: -2|~|~|1.5e+10",
      "data_source: 3|it's\r\nx|~|a\nb\\c\xf0\x9f\x98\x80",
      "user: $$ /* gr\xc3\xbcn|1",
  };
}

inline std::string CopyDump() {
  return std::string(kPostgresBegin) + std::string(kPostgresTables) + std::string(kCopies) + std::string(kPostgresEnd);
}
inline std::string InsertDump() {
  return std::string(kPostgresBegin) + std::string(kPostgresTables) + std::string(kInserts) + std::string(kPostgresEnd);
}

}  // namespace coffer::grafana
