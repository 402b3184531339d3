// What the journal's tests share: small files, records that say which they are, and reading everything back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "audit/journal.h"
#include "audit/journal_reader.h"
#include "crypto/cursor.h"
#include "io/crc32c.h"
#include "io/mutex.h"
#include "tests/support/fault_log_folder.h"
#include "tests/support/wait_until.h"

namespace coffer::audit::testing {

inline constexpr char kOrigin[] = "coffer/5acf2349-5267-7809-9a38-25188778f680";

inline JournalOptions SmallOptions() {
  JournalOptions options;
  options.origin = kOrigin;
  options.create = true;
  options.file_bytes = kMinFileBytes;
  options.retry_after = std::chrono::milliseconds(1);
  return options;
}

// "record 7", followed by dots up to `size` bytes.
inline std::string RecordOf(std::uint64_t number, std::size_t size = 0) {
  std::string record = "record " + std::to_string(number);
  if (record.size() < size) record.resize(size, '.');
  return record;
}

// A record that leaves no room for a second one in a file of the least size.
inline constexpr std::size_t kHalfFile = 65'000;

inline Result<std::vector<std::string>> ReadAll(const LogFolder& folder, RecordRange range = {}) {
  COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(folder, kOrigin, range));
  std::vector<std::string> records;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<JournalReader::Record> record, reader.Next());
    if (!record) return records;
    if (record->index != range.from + records.size()) return Error(ErrorCode::kInternal, "a wrong index");
    records.emplace_back(AsText(record->bytes));
  }
}

inline TreeHead HeadOf(const std::vector<std::string>& records) {
  Frontier tree;
  for (const std::string& record : records) tree.Append(LeafHash(AsBytes(record)));
  return tree.Head();
}

// A new journal with these records, one frame each, closed again.
inline std::vector<std::string> Fill(LogFolder& folder, std::uint64_t count, std::size_t size = 0) {
  const auto journal = Journal::Open(folder, SmallOptions());
  EXPECT_TRUE(journal.ok());
  std::vector<std::string> records;
  for (std::uint64_t i = 0; i < count; ++i) {
    records.push_back(RecordOf(i, size));
    EXPECT_TRUE((*journal)->AppendAndWait(AsBytes(records.back())).ok());
  }
  return records;
}

// Answers as they come in.
class Answers {
 public:
  Completion Next() {
    return [this](Result<std::uint64_t> index) {
      const Lock lock(mutex_);
      all_.push_back(std::move(index));
    };
  }
  std::vector<Result<std::uint64_t>> all() const {
    const Lock lock(mutex_);
    return all_;
  }
  std::size_t count() const { return all().size(); }
  bool WaitFor(std::size_t answers) const {
    return WaitUntil([&] { return count() >= answers; });
  }

 private:
  mutable Mutex mutex_;
  std::vector<Result<std::uint64_t>> all_ COFFER_GUARDED_BY(mutex_);
};

// `content` with the CRC of the frame at `offset` made right again.
inline void MendFrame(Bytes& content, std::size_t offset) {
  Reader reader(ByteView(content).subspan(offset + 12));
  const std::size_t size = FrameBytes(reader.U32());
  const std::uint32_t crc = Crc32c(ByteView(content).subspan(offset + 12, size - 12));
  StoreU32(MutableBytes(content).subspan(offset + 8, 4), crc);
}

// The same for the header.
inline void MendHeader(Bytes& content) {
  const std::uint32_t crc = Crc32c(ByteView(content).first(kFileHeaderBytes - 4));
  StoreU32(MutableBytes(content).subspan(kFileHeaderBytes - 4, 4), crc);
}

}  // namespace coffer::audit::testing
