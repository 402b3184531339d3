#include "pgext/guard.h"

#include "pgext/server.h"

#include "pgext/labelled_columns.h"

namespace coffer::pgext {
namespace {

ExecutorCheckPerms_hook_type next_check_perms = nullptr;
object_access_hook_type next_object_access = nullptr;

int guard_level = ERROR;
const config_enum_entry kGuardLevels[] = {{"error", ERROR, false}, {"warning", WARNING, false}, {nullptr, 0, false}};

void ReportWrite(Oid relation, int column) {
  const char* name = quote_identifier(get_attname(relation, static_cast<AttrNumber>(column), false));
  ereport(guard_level,
          (errcode(ERRCODE_WRONG_OBJECT_TYPE),
           errmsg("column %s of %s is labelled for Coffer and its type holds plaintext", name,
                  quote_identifier(get_rel_name(relation))),
           errhint("Field ciphertexts stand in columns of type coffer.ciphertext or bytea."), errhidestmt(true)));
}

// `written` as in the executor's tables: attribute numbers from FirstLowInvalidHeapAttributeNumber on. False when one
// of the columns is refused and the caller wants no error.
bool CheckWritten(Oid relation, const Bitmapset* written, bool raise) {
  if (bms_is_empty(written)) return true;
  const Bitmapset* plain = PlainLabelledColumns(relation);
  for (int column = -1; (column = bms_next_member(plain, column)) > 0;) {
    if (!bms_is_member(column - FirstLowInvalidHeapAttributeNumber, written)) continue;
    if (!raise && guard_level >= ERROR) return false;
    ReportWrite(relation, column);
    return true;  // Warned of once a statement; and a warning may have run code that made `plain` stale.
  }
  return true;
}

template <typename Entry>
bool CheckEntry(Oid relation, const Entry* entry, bool raise) {
  return ((entry->requiredPerms & ACL_INSERT) == 0 || CheckWritten(relation, entry->insertedCols, raise)) &&
         ((entry->requiredPerms & ACL_UPDATE) == 0 || CheckWritten(relation, entry->updatedCols, raise));
}

// Called for every statement that the executor runs, and for COPY.
#if PG_VERSION_NUM >= 160000
bool CheckPerms(List* range_table, List* permissions, bool raise) {
  if (next_check_perms != nullptr && !next_check_perms(range_table, permissions, raise)) return false;
  ListCell* cell = nullptr;
  foreach (cell, permissions) {
    const auto* entry = lfirst_node(RTEPermissionInfo, cell);
    if (!CheckEntry(entry->relid, entry, raise)) return false;
  }
  return true;
}
#else
bool CheckPerms(List* range_table, bool raise) {
  if (next_check_perms != nullptr && !next_check_perms(range_table, raise)) return false;
  ListCell* cell = nullptr;
  foreach (cell, range_table) {
    const auto* entry = lfirst_node(RangeTblEntry, cell);
    if (entry->rtekind == RTE_RELATION && !CheckEntry(entry->relid, entry, raise)) return false;
  }
  return true;
}
#endif

// The type that the column has by now; the caches still hold the one before.
Oid NewType(Oid relation, int column) {
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
  ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ,
              Int16GetDatum(static_cast<int16>(column)));
  Relation attributes = table_open(AttributeRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, SnapshotSelf, 2, keys);
  HeapTuple tuple = systable_getnext(scan);
  const Oid type = HeapTupleIsValid(tuple)
                       ? static_cast<Form_pg_attribute>(static_cast<void*>(GETSTRUCT(tuple)))->atttypid
                       : InvalidOid;
  systable_endscan(scan);
  table_close(attributes, AccessShareLock);
  return type;
}

void CheckNewType(Oid relation, int column) {
  const ObjectAddress address = {RelationRelationId, relation, column};
  const char* label = GetSecurityLabel(&address, kProvider);
  if (label == nullptr) return;
  const Oid type = NewType(relation, column);
  const AttrNumber number = static_cast<AttrNumber>(column);
  if (type == InvalidOid || type == get_atttype(relation, number) || MayHoldCiphertext(type)) return;
  ereport(guard_level, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("column %s is labelled for Coffer, so its type cannot become one that holds plaintext",
                               quote_identifier(get_attname(relation, number, false))),
                        errhint("Field ciphertexts stand in columns of type coffer.ciphertext or bytea.")));
}

void OnObjectAccess(ObjectAccessType access, Oid class_id, Oid object, int column, void* argument) {
  if (next_object_access != nullptr) next_object_access(access, class_id, object, column, argument);
  if (access == OAT_POST_ALTER && class_id == RelationRelationId && column > 0) CheckNewType(object, column);
}

}  // namespace

void InitGuard() {
  DefineCustomEnumVariable("coffer.guard", "What a write of plaintext into a labelled column is: error or warning.",
                           nullptr, &guard_level, ERROR, kGuardLevels, PGC_SUSET, 0, nullptr, nullptr, nullptr);
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved("coffer");
#else
  EmitWarningsOnPlaceholders("coffer");
#endif
  InitLabelledColumns();
  next_check_perms = ExecutorCheckPerms_hook;
  ExecutorCheckPerms_hook = CheckPerms;
  next_object_access = object_access_hook;
  object_access_hook = OnObjectAccess;
}

}  // namespace coffer::pgext
