// The server's headers, in the order and the language that they want, for PostgreSQL 14 to 18.
//
// Rules of a backend: ereport(ERROR) jumps out of a function without running destructors, so nothing that owns anything
// lives across a call of the server; memory is palloc's. No exception, no thread, no static that needs a guard.
#pragma once

// clang-format off
extern "C" {
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "commands/seclabel.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
}
// clang-format on

#if PG_VERSION_NUM < 140000
#error "Coffer's extension is for PostgreSQL 14 and later."
#endif
