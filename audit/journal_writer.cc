#include "audit/journal_writer.h"

namespace coffer::audit {

bool JournalWriter::HasRoomFor(std::size_t records_bytes) const {
  return end_.offset + FrameBytes(records_bytes) <= end_.header.file_bytes;
}

Status JournalWriter::BeginNextFile(std::unique_ptr<LogFile> spare, std::uint64_t file_bytes) {
  const FileHeader header{.mark = NewMark(),
                          .number = end_.header.number + 1,
                          .file_bytes = file_bytes,
                          .origin = end_.header.origin,
                          .previous_header = end_.header_digest,
                          .previous_end = end_.end,
                          .before = end_.tree};
  COFFER_ASSIGN_OR_RETURN(end_, BeginFile(std::move(spare), header));
  return {};
}

Status JournalWriter::Write(FrameBuilder& frame, std::span<const Digest> leaves) {
  COFFER_CHECK(frame.count() == leaves.size() && HasRoomFor(frame.records_bytes()));
  const std::uint64_t first = next_index();
  for (const Digest& leaf : leaves) end_.tree.Append(leaf);
  const ByteView bytes = frame.Finish(end_.header.mark, first, end_.tree.Root());
  COFFER_TRY(end_.file->WriteAt(end_.offset, bytes));
  // A file that nobody finds again is no journal, however well it is synced.
  if (!end_.file->CheckInPlace().ok()) {
    return Error(ErrorCode::kUnavailable, "the audit journal was removed or replaced");
  }
  COFFER_TRY(end_.file->Sync());
  end_.offset += bytes.size();
  end_.end = EndAfter(end_.end, bytes.first(kFrameHeadBytes));
  return {};
}

}  // namespace coffer::audit
