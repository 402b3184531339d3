#include "audit/journal_reader.h"

#include <algorithm>

namespace coffer::audit {
namespace {

Error Damage(Literal what, const std::string& name) { return Error(ErrorCode::kIntegrity, what).At(name); }

}  // namespace

Result<JournalReader> JournalReader::Open(const LogFolder& folder, std::string_view origin, RecordRange range) {
  COFFER_ASSIGN_OR_RETURN(std::vector<std::string> names, JournalFileNames(folder));
  if (names.empty()) return Error(ErrorCode::kNotFound, "there is no journal file in the audit log's folder");
  JournalReader reader(folder, origin, range, std::move(names));
  COFFER_TRY(reader.OpenFirst());
  return reader;
}

Status JournalReader::OpenFirst() {
  // Names sort as their numbers do, and each says the index of its file's first record.
  const auto after = std::upper_bound(names_.begin(), names_.end(), JournalFileName(next_));
  COFFER_TRY(OpenFile(after == names_.begin() ? 0 : static_cast<std::size_t>(after - names_.begin()) - 1));
  if (scanner_->next_index() > next_) return Damage("is the first journal file and should not be", names_[file_]);
  return scanner_->SkipTo(next_);
}

Status JournalReader::OpenFile(std::size_t which) {
  file_ = which;
  const std::string& name = names_[which];
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, folder_->Open(name, LogFolder::Access::kRead));
  COFFER_ASSIGN_OR_RETURN(scanner_, FileScanner::Open(std::move(file)));
  const FileHeader& header = scanner_->header();
  if (header.origin != origin_) return Damage("is a journal file of another log", name);
  if (name != JournalFileName(header.first_index())) return Damage("is not the name that this file was given", name);
  return {};
}

Status JournalReader::FollowFile() {
  const FileScanner before = std::move(*scanner_);
  COFFER_TRY(OpenFile(file_ + 1));
  const FileHeader& header = scanner_->header();
  const bool follows = header.number == before.header().number + 1 && header.first_index() == before.next_index() &&
                       header.previous_header == before.header_digest() && header.previous_end == before.end();
  if (!follows) return Damage("does not continue what the journal file before it holds", names_[file_]);
  return {};
}

Result<bool> JournalReader::NextFrame() {
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<FileScanner::Frame> frame, scanner_->Next());
    if (frame) {
      walk_ = RecordWalk(frame->records);
      frame_head_ = {frame->head.next(), frame->head.root};
      for (std::uint64_t index = frame->head.first; index < next_; ++index) walk_.Next();
      return true;
    }
    if (file_ + 1 == names_.size()) return false;
    COFFER_TRY(FollowFile());
  }
}

Result<std::optional<JournalReader::Record>> JournalReader::Read() {
  if (next_ >= to_) return std::optional<Record>();
  if (walk_.rest().empty()) {
    COFFER_ASSIGN_OR_RETURN(const bool more, NextFrame());
    if (!more) {
      // Behind the last frame a torn end is no damage, but a frame is.
      COFFER_TRY(scanner_->ReadTail());
      if (to_ == RecordRange::kToTheEnd) return std::optional<Record>();
      return Error(ErrorCode::kIntegrity, "the journal ends before the last record that it should have");
    }
  }
  const std::optional<ByteView> record = walk_.Next();
  COFFER_CHECK(record.has_value());
  return std::optional<Record>({next_++, *record});
}

Result<std::optional<JournalReader::Record>> JournalReader::Next() {
  if (failed_) return *failed_;
  Result<std::optional<Record>> record = Read();
  if (!record.ok()) failed_ = record.error();
  return record;
}

}  // namespace coffer::audit
