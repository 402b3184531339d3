#include "audit/frame.h"

#include <algorithm>
#include <bit>

#include "crypto/cursor.h"
#include "crypto/random.h"
#include "io/crc32c.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kMagic("coffer/v1/audit-journal\0", 24);
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kCrcOffset = sizeof(Mark);  // in a frame
constexpr std::size_t kMinRecordsBytes = kRecordSizeBytes + 1;

Error NoHeader() { return {ErrorCode::kIntegrity, "a journal file does not begin with a header as it should"}; }

bool IsZero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

template <std::size_t kSize>
std::array<std::byte, kSize> TakeArray(Reader& reader) {
  std::array<std::byte, kSize> out{};
  const ByteView taken = reader.Take(kSize);
  std::copy(taken.begin(), taken.end(), out.begin());
  return out;
}

// A frontier as Encode writes it, which says itself how long it is.
Result<Frontier> TakeFrontier(Reader& reader, ByteView from) {
  const std::uint64_t size = reader.U64();
  const std::size_t hashes = static_cast<std::size_t>(std::popcount(size)) * sizeof(Digest);
  reader.Take(hashes);
  if (reader.failed()) return NoHeader();
  return Frontier::Decode(from.first(sizeof(size) + hashes));
}

}  // namespace

Mark NewMark() {
  Mark mark{};
  while (IsZero(mark)) FillRandom(mark);
  return mark;
}

bool IsFileSize(std::uint64_t bytes) {
  return bytes >= kMinFileBytes && bytes <= kMaxFileBytes && bytes % kFileHeaderBytes == 0;
}

Bytes EncodeFileHeader(const FileHeader& header) {
  Bytes out;
  out.reserve(kFileHeaderBytes);
  Writer writer(out);
  writer.Raw(kMagic).Raw(header.mark).U64(header.number).U64(header.file_bytes).Raw(header.origin);
  writer.Raw(header.previous_header).Raw(header.previous_end).Raw(header.before.Encode());
  out.resize(kFileHeaderBytes - kCrcBytes);
  writer.U32(Crc32c(out));
  return out;
}

Result<FileHeader> ParseFileHeader(ByteView bytes) {
  if (bytes.size() != kFileHeaderBytes) return NoHeader();
  const ByteView covered = bytes.first(kFileHeaderBytes - kCrcBytes);
  Reader crc(bytes.last(kCrcBytes));
  if (crc.U32() != Crc32c(covered)) return NoHeader();
  Reader reader(covered);
  if (AsText(reader.Take(kMagic.size())) != kMagic) return NoHeader();
  FileHeader header;
  header.mark = TakeArray<sizeof(Mark)>(reader);
  header.number = reader.U64();
  header.file_bytes = reader.U64();
  header.origin = TakeArray<sizeof(Digest)>(reader);
  header.previous_header = TakeArray<sizeof(Digest)>(reader);
  header.previous_end = TakeArray<sizeof(Digest)>(reader);
  Result<Frontier> before = TakeFrontier(reader, covered.last(reader.remaining()));
  if (!before.ok() || IsZero(header.mark) || !IsFileSize(header.file_bytes)) return NoHeader();
  if (!IsZero(covered.last(reader.remaining()))) return NoHeader();
  header.before = std::move(before).value();
  return header;
}

Digest OriginDigest(std::string_view origin) { return Sha256({AsBytes(origin)}); }

std::size_t FrameBytes(std::size_t records_bytes) {
  const std::size_t bytes = kFrameHeadBytes + records_bytes;
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

std::size_t FrameHead::frame_bytes() const { return FrameBytes(records_bytes); }

Digest EndAfter(const Digest& end, ByteView head) { return Sha256({end, head}); }

void FrameBuilder::Clear() {
  bytes_.resize(kFrameHeadBytes);
  count_ = 0;
}

bool FrameBuilder::HasRoomFor(std::size_t record_bytes, std::size_t limit) const {
  return count_ < kMaxFrameRecords && records_bytes() + kRecordSizeBytes + record_bytes <= limit;
}

void FrameBuilder::Add(ByteView record) {
  COFFER_CHECK(!record.empty() && record.size() <= kMaxRecordBytes);
  COFFER_CHECK(HasRoomFor(record.size(), kMaxFrameRecordsBytes));
  Writer(bytes_).U16(static_cast<std::uint16_t>(record.size())).Raw(record);
  ++count_;
}

ByteView FrameBuilder::Finish(const Mark& mark, std::uint64_t first, const Digest& root) {
  const auto length = static_cast<std::uint32_t>(records_bytes());
  bytes_.resize(FrameBytes(length));
  Bytes head;
  head.reserve(kFrameHeadBytes);
  Writer(head).Raw(mark).U32(0).U32(length).U64(first).U32(count_).Raw(root);
  COFFER_CHECK(head.size() == kFrameHeadBytes);
  std::copy(head.begin(), head.end(), bytes_.begin());
  const std::uint32_t crc = Crc32c(ByteView(bytes_).subspan(kCrcOffset + kCrcBytes));
  StoreU32(MutableBytes(bytes_).subspan(kCrcOffset, kCrcBytes), crc);
  return bytes_;
}

std::optional<ByteView> RecordWalk::Next() {
  Reader reader(rest_);
  const std::size_t size = reader.U16();
  const ByteView record = reader.Take(size);
  if (reader.failed() || record.empty()) return std::nullopt;
  rest_ = rest_.last(reader.remaining());
  return record;
}

std::optional<FrameHead> ParseFrameHead(const Mark& mark, ByteView bytes) {
  if (bytes.size() < kFrameHeadBytes || !std::equal(mark.begin(), mark.end(), bytes.begin())) return std::nullopt;
  Reader reader(bytes.first(kFrameHeadBytes).subspan(sizeof(Mark)));
  FrameHead head;
  head.crc = reader.U32();
  head.records_bytes = reader.U32();
  head.first = reader.U64();
  head.count = reader.U32();
  head.root = TakeArray<sizeof(Digest)>(reader);
  const bool sizes_fit = head.records_bytes >= kMinRecordsBytes && head.records_bytes <= kMaxFrameRecordsBytes;
  const bool count_fits = head.count >= 1 && head.count <= kMaxFrameRecords && head.first <= kMaxTreeSize - head.count;
  if (!reader.Finish() || !sizes_fit || !count_fits) return std::nullopt;
  return head;
}

bool FrameIsWhole(const FrameHead& head, ByteView frame) {
  return frame.size() == head.frame_bytes() && Crc32c(frame.subspan(kCrcOffset + kCrcBytes)) == head.crc;
}

Result<ByteView> RecordsOf(const FrameHead& head, ByteView frame) {
  const Error broken(ErrorCode::kIntegrity, "a frame of the journal holds other records than it says");
  if (frame.size() != head.frame_bytes()) return broken;
  const ByteView records = frame.subspan(kFrameHeadBytes, head.records_bytes);
  RecordWalk walk(records);
  for (std::uint32_t i = 0; i < head.count; ++i) {
    if (!walk.Next()) return broken;
  }
  if (!walk.rest().empty() || !IsZero(frame.subspan(kFrameHeadBytes + head.records_bytes))) return broken;
  return records;
}

}  // namespace coffer::audit
