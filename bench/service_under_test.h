// The servers that are measured, each a process of its own on a unix socket in a folder in memory.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "coffer/v1/field.grpc.pb.h"
#include "io/private_dir.h"
#include "io/process.h"

namespace coffer::bench {

// A field with one index, and a search of it.
struct IndexedField {
  std::string name;
  v1::Search search;
  bool numbers = false;  // its values are numbers
};

class ServiceUnderTest {
 public:
  // Runs `cofferd` over a new store in `folder`, with keyring "bench", the field "bench.user.email" (pii, int64 rows)
  // and IndexedFields, and quotas that are not in the way. `grants`: as MakeBenchStore's. `catalog`: another one, over
  // keyrings "bench" and "bench-index".
  static Result<std::unique_ptr<ServiceUnderTest>> StartNew(const std::string& program, const std::string& folder,
                                                            const std::string& grants = "",
                                                            const std::string& catalog = "");
  // Runs `cofferd` over a store that StartNew made, unsealed by its key file. Notes how long it took from the start of
  // the process to the first value that it encrypted.
  static Result<std::unique_ptr<ServiceUnderTest>> StartAgain(const std::string& program, const std::string& folder);
  // Runs this program's own server: with `option` and a socket in `folder` as its arguments.
  static Result<std::unique_ptr<ServiceUnderTest>> StartEmpty(const std::string& program, const std::string& option,
                                                              const std::string& folder);

  static std::vector<IndexedField> IndexedFields();

  const std::string& socket() const { return socket_; }
  // cofferd's for a database administrator; the one above is the application's.
  std::string dba_socket() const { return folder_ + "/dba.sock"; }
  std::int64_t first_answer_us() const { return first_answer_us_; }
  // Resident memory of the process now, in KiB.
  std::uint64_t ResidentKib() const;
  // Processor time that the process has taken so far, of all its threads, in seconds.
  double CpuSeconds() const;
  // The column's values as ciphertexts.
  Result<v1::Column> Encrypted(const v1::Column& column) const;
  // A new primary version, so that older ciphertexts have something to be rewrapped to.
  Status Rotate() const;
  // Ends the process and waits for it.
  Status Stop();
  // Registers tenants "t<first>" and the next count - 1, and encrypts one value for each, so that each has a data key.
  Status MakeDataKeys(int first, int count) const;

 private:
  explicit ServiceUnderTest(ChildProcess process) : process_(std::move(process)) {}
  static Result<std::unique_ptr<ServiceUnderTest>> Start(const std::vector<std::string>& command,
                                                         const std::string& folder);

  ChildProcess process_;
  std::string folder_;
  std::string socket_;
  std::int64_t first_answer_us_ = 0;
};

}  // namespace coffer::bench
