#include "pgext/label_provider.h"

#include "pgext/server.h"

#include "pgext/field_label.h"
#include "pgext/labelled_columns.h"

namespace coffer::pgext {
namespace {

void WarnOfPlainType(const ObjectAddress& column) {
  const Oid type = get_atttype(column.objectId, static_cast<AttrNumber>(column.objectSubId));
  if (MayHoldCiphertext(type)) return;
  const char* name = get_attname(column.objectId, static_cast<AttrNumber>(column.objectSubId), false);
  ereport(WARNING, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("column %s is labelled for Coffer and its type holds plaintext: writes to it are refused",
                           quote_identifier(name)),
                    errhint("Field ciphertexts stand in columns of type coffer.ciphertext or bytea.")));
}

// `label` is nullptr when it is removed.
void CheckLabel(const ObjectAddress* object, const char* label) {
  if (object->classId != RelationRelationId || object->objectSubId <= 0) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("a label of provider coffer belongs on a column")));
  }
  if (label != nullptr && !IsFieldLabel(label)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("a label of provider coffer is field=scope.table.column"),
                    errdetail("Each part is [a-z_][a-z0-9_]{0,62}.")));
  }
  CacheInvalidateRelcacheByRelid(object->objectId);
  if (label != nullptr) WarnOfPlainType(*object);
}

}  // namespace

void InitLabelProvider() { register_label_provider(kProvider, CheckLabel); }

}  // namespace coffer::pgext
