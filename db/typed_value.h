// A database's values as the service takes those of row ids and bound columns.
#pragma once

#include "client/client.h"
#include "crypto/value.h"
#include "db/cipher_rows.h"

namespace coffer::db {

// NULL gives an unset message. kInvalidArgument: no value of the declared type, or a longer one than kMaxValueBytes.
// Thread-safe.
Result<v1::Value> ToMessage(const Cell& cell, ValueType type);

}  // namespace coffer::db
