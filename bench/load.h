// Load: keeps a number of calls of FieldService in flight for a while and says what came back.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "coffer/v1/field.grpc.pb.h"

namespace coffer::bench {

enum class Operation : std::uint8_t { kEncrypt, kDecrypt, kRewrap };

struct LoadShape {
  Operation operation = Operation::kEncrypt;
  int in_flight = 1;            // calls at once, at most
  double calls_per_second = 0;  // 0: as fast as replies come
  std::chrono::milliseconds warm_up{300};
  std::chrono::milliseconds duration{2000};
};

struct LoadResult {
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;  // of those that failed: beyond a limit
  double calls_per_second = 0;
  double values_per_second = 0;
  std::vector<float> latencies_us;  // ascending; at a given rate each from when its call was due

  // `share` of all calls took no longer. 0 without calls.
  double PercentileUs(double share) const;
};

// What two loads of one time came to.
LoadResult Together(const LoadResult& a, const LoadResult& b);

// `batch` 64-byte values of the field with int64 rows.
v1::Column MakeColumn(int batch, const std::string& field = "bench.user.email");

// The same column with numbers from 0 to 65,535 as its values.
v1::Column WithNumbers(v1::Column column);

// A channel over a unix socket, not shared with other calls of this function.
std::shared_ptr<grpc::Channel> UnixChannel(const std::string& socket);

// Sends `column`, whose values are plaintexts or ciphertexts as the operation takes them. A call that does not give
// every value back counts as failed.
LoadResult RunLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                   const v1::Column& column);
// The same for searches: `values_per_second` counts queries, and `shape.operation` does not matter. A call without an
// answer to each query counts as failed.
LoadResult RunSearches(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                       const v1::IndexTokensRequest& request);

}  // namespace coffer::bench
