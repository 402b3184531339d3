// Load: keeps a number of EncryptFields calls in flight for a while and says what came back.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "coffer/v1/field.grpc.pb.h"

namespace coffer::bench {

struct LoadShape {
  int batch = 1;      // values a call
  int in_flight = 1;  // calls at once
  std::chrono::milliseconds warm_up{300};
  std::chrono::milliseconds duration{2000};
};

struct LoadResult {
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  double calls_per_second = 0;
  double values_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

// 64-byte values of the field "bench.user.email" with int64 rows.
v1::EncryptFieldsRequest MakeRequest(int batch);

// A channel over a unix socket, not shared with other calls of this function.
std::shared_ptr<grpc::Channel> UnixChannel(const std::string& socket);

LoadResult RunLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape);

}  // namespace coffer::bench
