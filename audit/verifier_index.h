// IndexComparison: the table that queries are answered from (audit/query_index.h), compared with the journal, record by
// record. What it derives for searching by several names, and people's names, are not compared: the index can be made
// again at any time.
#pragma once

#include <memory>

#include "audit/verifier.h"

namespace coffer::audit {

// The service must not run: the file is locked by whoever has it open. Not thread-safe.
class IndexComparison final : public RecordFollower {
 public:
  // `path` is the index's file, `origin` the log's name.
  IndexComparison(std::string path, std::string origin);
  ~IndexComparison() override;

  void Take(std::uint64_t index, ByteView record) override;
  void Finish(VerifyReport& report) override;

 private:
  struct State;
  void Open();
  // Why the file cannot be compared, or is wrong already.
  void Give(std::string_view sentence, std::optional<std::uint64_t> record = std::nullopt);

  const std::string path_;
  const std::string origin_;
  std::unique_ptr<State> state_;  // null: nothing to compare
  std::string_view skipped_;
  struct Difference {
    std::string_view sentence;
    std::optional<std::uint64_t> record;
  };
  std::vector<Difference> found_;
};

}  // namespace coffer::audit
