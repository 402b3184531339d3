// IndexComparison: the table that queries are answered from (audit/query_index.h), compared with the journal, record by
// record: every column, what is derived for searching by several names, and people's names where the months' keys are
// there to decrypt them with.
#pragma once

#include <memory>

#include "audit/month_keys.h"
#include "audit/verifier.h"

namespace coffer::audit {

// The service must not run: the file is locked by whoever has it open. Not thread-safe.
class IndexComparison final : public RecordFollower {
 public:
  // `path` is the index's file, `origin` the log's name, `keys` the folder of the months' keys.
  IndexComparison(std::string path, std::string origin, std::string keys);
  ~IndexComparison() override;

  void Begin(const Frontier& before) override;
  void Take(std::uint64_t index, ByteView record) override;
  void Finish(VerifyReport& report) override;

 private:
  struct State;
  void Open();
  void OpenKeys(const std::string& folder);
  // Of one row, which is there. Empty: it says what the record says.
  std::string_view Compare(std::uint64_t index, const EncodedRecord& encoded);
  // What the index has to say of people; nothing: that cannot be told.
  Result<std::optional<Personal>> PersonalOf(const EncodedRecord& encoded);
  std::string_view CompareEnd();
  // Why the file cannot be compared, or is wrong already.
  void Give(std::string_view sentence, std::optional<std::uint64_t> record = std::nullopt);

  const std::string path_;
  const std::string origin_;
  std::unique_ptr<State> state_;     // null: nothing to compare
  std::unique_ptr<MonthKeys> keys_;  // null: people's names are not compared
  std::string_view skipped_;
  std::string_view remark_;
  struct Difference {
    std::string_view sentence;
    std::optional<std::uint64_t> record;
  };
  std::vector<Difference> found_;
};

}  // namespace coffer::audit
