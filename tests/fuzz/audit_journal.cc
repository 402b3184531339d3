// Journal files of any bytes: headers and frames that are taken give the same bytes again; a file is recovered, refused
// as damaged, or both by reader and recovery alike, and what is recovered is read again.
#include <algorithm>

#include "audit/journal_reader.h"
#include "audit/journal_recovery.h"
#include "crypto/cursor.h"
#include "io/crc32c.h"
#include "tests/support/fault_log_folder.h"

namespace coffer::audit {
namespace {

constexpr char kOrigin[] = "fuzz";
constexpr Mark kMark = {std::byte{'m'}, std::byte{'a'}, std::byte{'r'}, std::byte{'k'},
                        std::byte{'m'}, std::byte{'a'}, std::byte{'r'}, std::byte{'k'}};

void CheckHeader(ByteView input) {
  const Result<FileHeader> header = ParseFileHeader(input);
  if (header.ok()) COFFER_CHECK(EncodeFileHeader(*header) == CopyOf(input));
}

// Past the first door: as long as a header, with a right CRC.
void CheckMendedHeader(ByteView input) {
  Bytes header = CopyOf(input);
  header.resize(kFileHeaderBytes - 4);
  Writer(header).U32(Crc32c(header));
  CheckHeader(header);
}

void CheckFrame(ByteView input) {
  const std::optional<FrameHead> head = ParseFrameHead(kMark, input);
  if (!head || head->frame_bytes() > input.size()) return;
  const ByteView frame = input.first(head->frame_bytes());
  if (!FrameIsWhole(*head, frame)) return;
  const Result<ByteView> records = RecordsOf(*head, frame);
  if (!records.ok()) return;
  FrameBuilder again;
  RecordWalk walk(*records);
  while (const std::optional<ByteView> record = walk.Next()) again.Add(*record);
  const ByteView bytes = again.Finish(kMark, head->first, head->root);
  COFFER_CHECK(std::equal(bytes.begin(), bytes.end(), frame.begin(), frame.end()));
}

void CheckMendedFrame(ByteView input) {
  Bytes frame(kMark.begin(), kMark.end());
  Append(frame, input);
  frame.resize(std::max(frame.size(), kFrameHeadBytes) + kFrameAlignment);
  const std::optional<FrameHead> head = ParseFrameHead(kMark, frame);
  if (!head || head->frame_bytes() > frame.size()) return;
  StoreU32(MutableBytes(frame).subspan(8, 4), Crc32c(ByteView(frame).subspan(12, head->frame_bytes() - 12)));
  CheckFrame(frame);
}

// Frames with right CRCs, indexes and roots of the input's pieces: a length of two bytes, then a record. A length of
// zero ends a frame; one of 65,535 spoils the next record's root.
Bytes Framed(ByteView input) {
  Bytes out;
  Frontier tree;
  FrameBuilder frame;
  Reader reader(input);
  std::uint64_t first = 0;
  const auto end_frame = [&] {
    if (frame.count() > 0) Append(out, frame.Finish(kMark, first, tree.Root()));
    first = tree.size();
    frame.Clear();
  };
  while (!reader.failed() && reader.remaining() > 0 && out.size() < kMinFileBytes / 2) {
    const std::size_t size = reader.U16();
    const ByteView record = reader.Take(std::min<std::size_t>(size, reader.remaining()));
    if (record.empty()) {
      end_frame();
    } else {
      tree.Append(size == 0xFFFF ? Digest{} : LeafHash(record));
      frame.Add(record);
    }
  }
  end_frame();
  return out;
}

std::uint64_t CountRecords(const LogFolder& folder, Result<void>& status) {
  Result<JournalReader> reader = JournalReader::Open(folder, kOrigin);
  COFFER_CHECK(reader.ok());
  for (std::uint64_t count = 0;; ++count) {
    const Result<std::optional<JournalReader::Record>> record = reader->Next();
    if (!record.ok()) status = record.error();
    if (!record.ok() || !*record) return count;
    COFFER_CHECK((*record)->index == count);
  }
}

void CheckFile(Bytes frames) {
  FileHeader header;
  header.mark = kMark;
  header.file_bytes = kMinFileBytes;
  header.origin = OriginDigest(kOrigin);
  Bytes content = EncodeFileHeader(header);
  Append(content, ByteView(frames).first(std::min<std::size_t>(frames.size(), kMinFileBytes - content.size())));
  FaultLogFolder folder;
  folder.Put(JournalFileName(0), content);
  Status read;
  const std::uint64_t count = CountRecords(folder, read);
  const Result<JournalEnd> end = RecoverJournal(folder, kOrigin, Depth::kEveryRecord, 0);
  if (!end.ok()) {
    COFFER_CHECK(end.error().code() == ErrorCode::kIntegrity && folder.Content(JournalFileName(0)) == content);
    return;
  }
  COFFER_CHECK(read.ok() && end->tree.size() == count);
  COFFER_CHECK(folder.Content(JournalFileName(0)).size() == kMinFileBytes);
  const Result<JournalEnd> again = RecoverJournal(folder, kOrigin, Depth::kLastFile, count);
  COFFER_CHECK(again.ok() && again->tree == end->tree && again->torn == 0 && again->offset == end->offset);
}

void Check(unsigned choice, ByteView input) {
  switch (choice % 6) {
    case 0:
      return CheckHeader(input);
    case 1:
      return CheckMendedHeader(input);
    case 2:
      return CheckFrame(input);
    case 3:
      return CheckMendedFrame(input);
    case 4:
      return CheckFile(CopyOf(input));
    default:
      return CheckFile(Framed(input));
  }
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  coffer::audit::Check(data[0], std::as_bytes(std::span(data, size).subspan(1)));
  return 0;
}
