// CommitGroup: what one commit changed, as it is written to the key journal and to backups (docs/FORMAT.md section 4):
// the rows with their MACs, then the head that they make. Bytes in, bytes out; whether they may be believed is
// store_image.h.
#pragma once

#include <optional>
#include <vector>

#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

struct RowChange {
  Table table = Table::kStore;
  Row primary_key;
  std::uint64_t row_epoch = 0;
  std::optional<Row> columns;  // nothing: the row is gone
  Digest mac{};                // over the columns, or over nothing
};

// Complete with its head: a commit that was cut off has none.
struct CommitGroup {
  std::vector<RowChange> changes;
  StoredHead head;
};

// The framed records of a group. kInvalidArgument: a row that cannot be encoded.
Result<Bytes> EncodeGroup(const CommitGroup& group);

// What a journal starts with: whose it is, and the epoch that its first group brings the store to. That group is the
// whole store (a snapshot), each later one is one commit.
struct JournalHeader {
  StoreUuid store;
  StoreEpoch base;
};
Bytes EncodeJournalHeader(const JournalHeader& header);

// One record's parts; views into the journal's bytes.
struct RecordView {
  std::uint64_t epoch = 0;
  std::string_view table;
  ByteView key;
  std::uint64_t row_epoch = 0;
  ByteView row;
  Digest mac{};
};
// A group whose rows are not parsed yet.
struct GroupView {
  std::vector<RecordView> rows;
  StoredHead head;
};
// kIntegrity: a row that is none of ours.
Result<CommitGroup> GroupOf(const GroupView& view);

// Reads a journal's bytes group by group.
class JournalReader {
 public:
  // `bytes` must outlive it. kInvalidArgument: they do not start with a whole header.
  static Result<JournalReader> Open(ByteView bytes);

  const JournalHeader& header() const { return header_; }
  // The next whole group. Nothing at the end, and where the rest is torn: cut off, zeros, or a group of which any part
  // is missing and nothing follows. kIntegrity: damage with whole groups behind it, whole records that are none of
  // ours, or groups out of order.
  Result<std::optional<CommitGroup>> Next();
  // The same, whatever its rows hold.
  Result<std::optional<GroupView>> NextView();
  // Bytes up to the end of the last group that Next gave.
  std::size_t whole_size() const { return whole_size_; }

 private:
  explicit JournalReader(ByteView bytes) : all_(bytes), rest_(bytes) {}

  ByteView all_;
  ByteView rest_;
  JournalHeader header_;
  std::size_t whole_size_ = 0;
  std::optional<StoreEpoch> last_;
};

}  // namespace coffer::keysvc
