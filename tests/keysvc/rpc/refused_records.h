// What an audit log holds about identities that were refused.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "audit/log.h"

namespace coffer::keysvc {

// In order, with the personal parts; of all that was handed to the log before this call.
inline std::vector<audit::Record> RefusedRecords(audit::Log& log) {
  audit::Record last;
  last.operation = "Last";
  EXPECT_TRUE(log.AppendAndWait(last).ok());
  std::vector<audit::Record> records;
  const Status read = log.ReadRecords({}, [&](std::uint64_t, ByteView bytes) -> Result<bool> {
    COFFER_ASSIGN_OR_RETURN(audit::EncodedRecord encoded, audit::DecodeRecord(bytes));
    if (encoded.record.operation != "Authenticate") return true;
    COFFER_ASSIGN_OR_RETURN(const auto key, log.month_keys().Find(encoded.month));
    COFFER_ASSIGN_OR_RETURN(encoded.record.personal, audit::DecryptPersonal(encoded, *key));
    records.push_back(std::move(encoded.record));
    return true;
  });
  EXPECT_TRUE(read.ok());
  return records;
}

}  // namespace coffer::keysvc
