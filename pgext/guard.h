// Guard rails: no plaintext by mistake into a labelled column. They stop ordinary users and accidents while the library
// is loaded; a superuser turns them off, and what a DBA does on purpose is for the type, the service and the red team.
#pragma once

namespace coffer::pgext {

// Hooks in: INSERT, UPDATE, MERGE and COPY FROM into a labelled column whose type holds plaintext are refused, and so
// is ALTER COLUMN TYPE of a labelled column to such a type. Setting coffer.guard (superusers) makes either a warning.
void InitGuard();

}  // namespace coffer::pgext
