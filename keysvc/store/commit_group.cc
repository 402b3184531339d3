#include "keysvc/store/commit_group.h"

#include "crypto/store_integrity.h"
#include "io/crc32c.h"

namespace coffer::keysvc {
namespace {

constexpr std::string_view kHeaderLabel("coffer/v1/journal\0", 18);
constexpr std::string_view kHeadTable = "head";
constexpr std::size_t kFrameHeader = 8;
constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxKey = 16 * 1024;
constexpr std::size_t kMaxRow = kMaxStoredValueBytes + 64 * 1024;
constexpr std::size_t kMaxPayload = kMaxRow + kMaxKey + 1024;
constexpr std::size_t kMinPayload =
    kHeaderLabel.size() + (4 + sizeof(StoreUuid)) + 8;  // a header's; all others' are more

Error Foreign() { return {ErrorCode::kIntegrity, "the key journal holds a record that is none of ours"}; }

void AppendFrame(ByteView payload, Bytes& out) {
  Writer(out).U32(static_cast<std::uint32_t>(payload.size())).U32(Crc32c(payload)).Raw(payload);
}

// The next whole payload, taken off `rest`; nothing when the rest is torn. Zeros are torn too, which a power cut leaves
// where a file was to grow: they would be a record of no bytes, whose CRC is 0.
std::optional<ByteView> TakeFrame(ByteView& rest) {
  Reader reader(rest);
  const std::size_t size = reader.U32();
  const std::uint32_t crc = reader.U32();
  if (reader.failed() || size < kMinPayload || size > kMaxPayload) return std::nullopt;
  const ByteView payload = reader.Take(size);
  if (reader.failed() || Crc32c(payload) != crc) return std::nullopt;
  rest = rest.subspan(kFrameHeader + size);
  return payload;
}

Datum OwnedOf(const ScalarView& view) {
  if (const auto* number = std::get_if<std::int64_t>(&view)) return *number;
  if (const auto* uuid = std::get_if<Uuid>(&view)) return *uuid;
  if (const auto* text = std::get_if<TextView>(&view)) return std::string(text->text);
  if (const auto* bytes = std::get_if<BytesView>(&view)) return CopyOf(bytes->bytes);
  return NullValue{};
}

Row OwnedOf(const std::vector<ScalarView>& views) {
  Row row;
  row.reserve(views.size());
  for (const ScalarView& view : views) row.push_back(OwnedOf(view));
  return row;
}

Status AppendChange(const RowChange& change, StoreEpoch epoch, Bytes& out) {
  Bytes key;
  COFFER_TRY(EncodeRow(ViewsOf(change.primary_key), key));
  Bytes row;
  if (change.columns) COFFER_TRY(EncodeStoredRow(ViewsOf(*change.columns), row));
  Bytes payload;
  Writer(payload)
      .U64(epoch.value)
      .LengthPrefixed(SpecOf(change.table).name)
      .LengthPrefixed(key)
      .U64(change.row_epoch)
      .LengthPrefixed(row)
      .Raw(change.mac);
  AppendFrame(payload, out);
  return {};
}

void AppendHead(const StoredHead& head, Bytes& out) {
  Bytes payload;
  Writer(payload)
      .U64(head.epoch.value)
      .LengthPrefixed(kHeadTable)
      .LengthPrefixed(ByteView())
      .U64(head.epoch.value)
      .LengthPrefixed(head.sum)
      .Raw(head.mac);
  AppendFrame(payload, out);
}

const TableSpec* FindTable(std::string_view name) {
  for (const TableSpec& spec : Schema()) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// The payload of a head's record, always.
constexpr std::size_t kHeadPayload = 8 + (4 + kHeadTable.size()) + 4 + 8 + (4 + sizeof(Digest)) + sizeof(Digest);

// The epochs of all whole heads' records that stand anywhere in the bytes; of one at their very end, apart.
struct HeadsFound {
  bool before_the_end = false;
  std::optional<std::uint64_t> at_the_end;
};
HeadsFound FindHeads(ByteView bytes) {
  HeadsFound found;
  for (; bytes.size() >= kFrameHeader + kHeadPayload; bytes = bytes.subspan(1)) {
    if (Reader(bytes).U32() != kHeadPayload) continue;
    ByteView rest = bytes;
    const std::optional<ByteView> payload = TakeFrame(rest);
    if (!payload || AsText(payload->subspan(8 + 4, kHeadTable.size())) != kHeadTable) continue;
    if (rest.empty()) found.at_the_end = Reader(*payload).U64();
    found.before_the_end = found.before_the_end || !rest.empty();
  }
  return found;
}

std::optional<RecordView> ParseRecord(ByteView payload) {
  Reader reader(payload);
  RecordView record;
  record.epoch = reader.U64();
  record.table = AsText(reader.TakeLengthPrefixed(kMaxName));
  record.key = reader.TakeLengthPrefixed(kMaxKey);
  record.row_epoch = reader.U64();
  record.row = reader.TakeLengthPrefixed(kMaxRow);
  const ByteView mac = reader.Take(record.mac.size());
  if (!reader.Finish()) return std::nullopt;
  std::copy(mac.begin(), mac.end(), record.mac.begin());
  return record;
}

std::optional<StoredHead> HeadOf(const RecordView& record) {
  StoredHead head;
  if (!record.key.empty() || record.row_epoch != record.epoch || record.row.size() != head.sum.size()) {
    return std::nullopt;
  }
  head.epoch.value = record.epoch;
  std::copy(record.row.begin(), record.row.end(), head.sum.begin());
  head.mac = record.mac;
  return head;
}

Result<RowChange> ChangeOf(const RecordView& record) {
  const TableSpec* spec = FindTable(record.table);
  const Result<std::vector<ScalarView>> key = ParseRow(record.key);
  if (spec == nullptr || !key.ok()) return Foreign();
  RowChange change{.table = spec->table,
                   .primary_key = OwnedOf(*key),
                   .row_epoch = record.row_epoch,
                   .columns = std::nullopt,
                   .mac = record.mac};
  if (!CheckPrimaryKey(*spec, change.primary_key).ok()) return Foreign();
  if (record.row.empty()) return change;
  const Result<std::vector<ScalarView>> columns = ParseStoredRow(record.row);
  if (!columns.ok()) return Foreign();
  change.columns = OwnedOf(*columns);
  const bool fits =
      CheckColumns(*spec, *change.columns).ok() && PrimaryKeyOf(*spec, *change.columns) == change.primary_key;
  if (!fits) return Foreign();
  return change;
}

}  // namespace

Result<Bytes> EncodeGroup(const CommitGroup& group) {
  Bytes out;
  for (const RowChange& change : group.changes) COFFER_TRY(AppendChange(change, group.head.epoch, out));
  AppendHead(group.head, out);
  return out;
}

Bytes EncodeJournalHeader(const JournalHeader& header) {
  Bytes payload;
  Writer(payload).Raw(kHeaderLabel).LengthPrefixed(header.store.view()).U64(header.base.value);
  Bytes out;
  AppendFrame(payload, out);
  return out;
}

Result<JournalReader> JournalReader::Open(ByteView bytes) {
  JournalReader reader(bytes);
  const std::optional<ByteView> payload = TakeFrame(reader.rest_);
  const Error not_one(ErrorCode::kInvalidArgument, "is not a key journal");
  if (!payload) return not_one;
  Reader fields(*payload);
  if (AsText(fields.Take(kHeaderLabel.size())) != kHeaderLabel) return not_one;
  const ByteView uuid = fields.TakeLengthPrefixed(reader.header_.store.bytes.size());
  reader.header_.base.value = fields.U64();
  if (!fields.Finish() || uuid.size() != reader.header_.store.bytes.size()) return not_one;
  std::copy(uuid.begin(), uuid.end(), reader.header_.store.bytes.begin());
  reader.whole_size_ = reader.all_.size() - reader.rest_.size();
  return reader;
}

Result<std::optional<GroupView>> JournalReader::NextView() {
  GroupView group;
  std::optional<std::uint64_t> epoch;  // of all its records
  while (const std::optional<ByteView> payload = TakeFrame(rest_)) {
    const std::optional<RecordView> record = ParseRecord(*payload);
    // A commit that failed is followed by another one for the same epoch, or by its successor when it came through.
    const std::uint64_t least = last_ ? last_->value : header_.base.value;
    const std::uint64_t greatest = last_ ? last_->value + 1 : header_.base.value;
    if (!record || record->epoch < least || record->epoch > greatest) return Foreign();
    if (epoch.value_or(record->epoch) != record->epoch) return Foreign();
    epoch = record->epoch;
    if (record->table != kHeadTable) {
      group.rows.push_back(*record);
      continue;
    }
    const std::optional<StoredHead> head = HeadOf(*record);
    if (!head) return Foreign();
    group.head = *head;
    last_ = head->epoch;
    whole_size_ = all_.size() - rest_.size();
    return std::optional(std::move(group));
  }
  // A power cut keeps any part of the commit that was being written, its head too; but none that came after it.
  const HeadsFound heads = FindHeads(all_.subspan(whole_size_));
  const std::uint64_t torn_at_most = last_ ? last_->value + 1 : header_.base.value;
  if (heads.before_the_end || heads.at_the_end.value_or(0) > torn_at_most) {
    return Error(ErrorCode::kIntegrity, "the key journal is damaged before its end");
  }
  rest_ = {};
  return std::optional<GroupView>();
}

Result<CommitGroup> GroupOf(const GroupView& view) {
  CommitGroup group{.changes = {}, .head = view.head};
  group.changes.reserve(view.rows.size());
  for (const RecordView& record : view.rows) {
    COFFER_ASSIGN_OR_RETURN(RowChange change, ChangeOf(record));
    group.changes.push_back(std::move(change));
  }
  return group;
}

Result<std::optional<CommitGroup>> JournalReader::Next() {
  COFFER_ASSIGN_OR_RETURN(const std::optional<GroupView> view, NextView());
  if (!view) return std::optional<CommitGroup>();
  COFFER_ASSIGN_OR_RETURN(CommitGroup group, GroupOf(*view));
  return std::optional(std::move(group));
}

}  // namespace coffer::keysvc
