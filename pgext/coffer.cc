// The library's entry point. It is loaded by the first function of the extension that a session runs, or at the start
// by shared_preload_libraries = 'coffer', which the label provider and the guard rails want.

#include "pgext/server.h"

#include "pgext/guard.h"
#include "pgext/label_provider.h"

extern "C" {

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();

void _PG_init() {
  coffer::pgext::InitLabelProvider();
  coffer::pgext::InitGuard();
}

}  // extern "C"
