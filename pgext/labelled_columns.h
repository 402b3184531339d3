// Which labelled columns of a relation have a type that holds plaintext. One thread: a backend.
#pragma once

#include "pgext/server.h"

namespace coffer::pgext {

inline constexpr char kProvider[] = "coffer";

// Whether the type shows no plaintext by itself: coffer.ciphertext or a domain over it, which take nothing else, or
// bytea, which wants the CHECK of coffer.protect() beside its label. (The CHECK is not asked for here: pg_restore fills
// labelled tables before it makes a CHECK that was NOT VALID.)
bool MayHoldCiphertext(Oid type);

// The labelled columns of the relation whose type holds plaintext, as attribute numbers; nullptr when there is none.
// Valid until the next call; read once and kept until the relation changes. The caller holds a lock on the relation.
const Bitmapset* PlainLabelledColumns(Oid relation);

// To be called once, when the library is loaded.
void InitLabelledColumns();

}  // namespace coffer::pgext
