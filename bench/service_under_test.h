// The two servers that hammer measures, each a process of its own on a unix socket in a folder in memory.
#pragma once

#include <memory>
#include <string>

#include "io/private_dir.h"
#include "io/process.h"

namespace coffer::bench {

class ServiceUnderTest {
 public:
  // Runs `cofferd` over a store in `folder`, initialised, with keyring "bench" and the field "bench.user.email" (pii,
  // int64 rows). Also says how long it took from the start of the process to the first answer.
  static Result<std::unique_ptr<ServiceUnderTest>> StartCofferd(const std::string& program, const std::string& folder);
  // Runs this program's own empty server.
  static Result<std::unique_ptr<ServiceUnderTest>> StartEmpty(const std::string& program, const std::string& folder);

  const std::string& socket() const { return socket_; }
  std::int64_t first_answer_us() const { return first_answer_us_; }
  // Resident memory of the process now, in KiB.
  std::uint64_t ResidentKib() const;
  // Registers tenants "t0".."t<count-1>" and encrypts one value for each, so that each has a data key.
  Status MakeDataKeys(int count);

 private:
  explicit ServiceUnderTest(ChildProcess process) : process_(std::move(process)) {}
  Status AwaitSocket();

  ChildProcess process_;
  std::string folder_;
  std::string socket_;
  std::int64_t first_answer_us_ = 0;
};

}  // namespace coffer::bench
