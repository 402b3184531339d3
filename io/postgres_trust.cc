#include "io/postgres_trust.h"

#include <array>

namespace coffer {
namespace {

constexpr const char* kIsTrusted =
    "WITH RECURSIVE tree(id) AS (SELECT pg_catalog.to_regclass($1)::oid"
    "   UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.id),"
    " part(class, id) AS (SELECT 'pg_class'::regclass, id FROM tree"
    "   UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i JOIN tree ON i.indrelid = tree.id"
    "   UNION ALL SELECT 'pg_constraint'::regclass, o.oid FROM pg_constraint o JOIN tree ON o.conrelid = tree.id"
    "   UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN tree ON d.adrelid = tree.id"
    "   UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s JOIN tree ON s.stxrelid = tree.id"
    "   UNION ALL SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g JOIN tree ON g.tgrelid = tree.id"
    "   UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r JOIN tree ON r.ev_class = tree.id),"
    " owner(id) AS (SELECT c.relowner FROM tree JOIN pg_class c ON c.oid = tree.id"
    "   UNION SELECT n.nspowner FROM tree JOIN pg_class c ON c.oid = tree.id JOIN pg_namespace n ON"
    "     n.oid = c.relnamespace"
    "   UNION SELECT coalesce(p.proowner, o.oprowner, t.typowner) FROM part JOIN pg_depend d ON"
    "     d.classid = part.class AND d.objid = part.id"
    "     LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid"
    "     LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid"
    "     LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid"
    "     WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass))"
    " SELECT (EXISTS (SELECT FROM owner) AND NOT EXISTS (SELECT FROM owner JOIN pg_roles r ON r.oid = owner.id"
    "   JOIN pg_database d ON d.datname = current_database() JOIN pg_roles b ON b.oid = d.datdba"
    "   WHERE NOT CASE r.rolname WHEN 'pg_database_owner' THEN b.rolsuper ELSE r.rolsuper END))::text";

}  // namespace

Result<bool> IsOfSuperusers(PostgresConnection& server, const std::string& name) {
  bool is_trusted = false;
  const std::array parameters = {name};
  COFFER_TRY(
      server.Query(kIsTrusted, parameters, [&is_trusted](std::span<const std::optional<ByteView>> cells) -> Status {
        if (cells.size() != 1 || !cells[0]) {
          return Error(ErrorCode::kInternal, "the PostgreSQL server describes its tables in another way");
        }
        is_trusted = AsText(*cells[0]) == "true";
        return {};
      }));
  return is_trusted;
}

}  // namespace coffer
