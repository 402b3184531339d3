// Whether stored values decrypt, without anybody seeing one: the service makes them anew as for a rewrap, and what it
// gives back is thrown away.
#pragma once

#include "db/check.h"
#include "db/rewrap.h"

namespace coffer::db {

inline constexpr std::uint32_t kMaxSampledValues = 1'000;  // of a column

struct SampledColumn {
  std::uint64_t sampled = 0;
  std::array<std::uint64_t, kRewrapFaults> failed = {};

  std::uint64_t Failed() const;
};

// The first `limit` (1 to kMaxSampledValues) values of a column by its key. Errors as RewrapColumn; nothing is written.
RewrapResult<SampledColumn> SampleColumn(const Source& source, const EncryptedColumn& column, std::uint32_t limit,
                                         const RewrapCall& call);

// High for what does not decrypt; values that are no ciphertext at all CheckColumns counts.
std::vector<Finding> FindingsOf(const SampledColumn& sampled, const EncryptedColumn& column);

}  // namespace coffer::db
