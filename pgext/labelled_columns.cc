#include "pgext/labelled_columns.h"

#include <string_view>

namespace coffer::pgext {
namespace {

constexpr std::string_view kSchema = "coffer";

// What is known of a relation. The hash table wants its key first.
struct Known {
  Oid relation;
  Bitmapset* plain;
};

HTAB* known_relations = nullptr;
std::uint64_t changes = 0;  // that this backend has heard of, of any relation

bool IsSchema(Oid schema) {
  const char* name = get_namespace_name(schema);
  return name != nullptr && kSchema == name;
}

// Allocated in the current memory context.
Bitmapset* LabelledColumns(Oid relation) {
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
  ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(RelationRelationId));
  Bitmapset* columns = nullptr;
  Relation labels = table_open(SecLabelRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(labels, SecLabelObjectIndexId, true, nullptr, 2, keys);
  while (HeapTuple tuple = systable_getnext(scan)) {
    bool is_null = false;
    const int column = static_cast<FormData_pg_seclabel*>(static_cast<void*>(GETSTRUCT(tuple)))->objsubid;
    const Datum provider = heap_getattr(tuple, Anum_pg_seclabel_provider, RelationGetDescr(labels), &is_null);
    if (!is_null && column > 0 && std::string_view(kProvider) == TextDatumGetCString(provider)) {
      columns = bms_add_member(columns, column);
    }
  }
  systable_endscan(scan);
  table_close(labels, AccessShareLock);
  return columns;
}

// Those of `labelled` whose type holds plaintext.
Bitmapset* KeepPlain(Oid relation_id, const Bitmapset* labelled) {
  Bitmapset* plain = nullptr;
  Relation relation = table_open(relation_id, NoLock);
  for (int column = -1; (column = bms_next_member(labelled, column)) > 0;) {
    if (column > RelationGetNumberOfAttributes(relation)) continue;
    const Oid type = TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid;
    if (!MayHoldCiphertext(type)) plain = bms_add_member(plain, column);
  }
  table_close(relation, NoLock);
  return plain;
}

void Forget(Known* known) {
  bms_free(known->plain);
  hash_search(known_relations, &known->relation, HASH_REMOVE, nullptr);
}

// The server calls it when a relation has changed; InvalidOid: any may have.
void OnRelationChange(Datum, Oid relation) {
  ++changes;
  if (relation != InvalidOid) {
    auto* known = static_cast<Known*>(hash_search(known_relations, &relation, HASH_FIND, nullptr));
    if (known != nullptr) Forget(known);
    return;
  }
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, known_relations);
  while (void* known = hash_seq_search(&scan)) Forget(static_cast<Known*>(known));
}

// coffer.ciphertext itself, or a domain over it.
bool IsCiphertextType(Oid type) {
  HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(getBaseType(type)));
  if (!HeapTupleIsValid(tuple)) return false;
  const auto* form = static_cast<Form_pg_type>(static_cast<void*>(GETSTRUCT(tuple)));
  // Only a superuser or the extension makes a base type.
  const bool is_named = form->typtype == TYPTYPE_BASE && std::string_view("ciphertext") == NameStr(form->typname);
  const Oid schema = form->typnamespace;
  ReleaseSysCache(tuple);
  return is_named && IsSchema(schema);
}

}  // namespace

bool MayHoldCiphertext(Oid type) { return type == BYTEAOID || IsCiphertextType(type); }

const Bitmapset* PlainLabelledColumns(Oid relation) {
  if (relation < FirstNormalObjectId) return nullptr;
  const auto* known = static_cast<Known*>(hash_search(known_relations, &relation, HASH_FIND, nullptr));
  if (known != nullptr) return known->plain;
  const std::uint64_t changes_before = changes;
  const Bitmapset* labelled = LabelledColumns(relation);
  const Bitmapset* plain = labelled == nullptr ? nullptr : KeepPlain(relation, labelled);
  // A change that was heard of while the catalogs were read may or may not be in the answer, which is then not kept.
  if (changes != changes_before) return plain;
  MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
  Bitmapset* kept = bms_copy(plain);
  static_cast<Known*>(hash_search(known_relations, &relation, HASH_ENTER, nullptr))->plain = kept;
  MemoryContextSwitchTo(caller);
  return kept;
}

void InitLabelledColumns() {
  HASHCTL control = {};
  control.keysize = sizeof(Oid);
  control.entrysize = sizeof(Known);
  known_relations = hash_create("Coffer's labelled columns", 64, &control, HASH_ELEM | HASH_BLOBS);
  CacheRegisterRelcacheCallback(OnRelationChange, Datum{0});
}

}  // namespace coffer::pgext
