// JournalWriter: appends frames to the journal's last file, and begins the next one.
#pragma once

#include "audit/journal_recovery.h"

namespace coffer::audit {

// One thread at a time. After a failure nothing more may be written: what is on the disk is unknown.
class JournalWriter {
 public:
  explicit JournalWriter(JournalEnd end) : end_(std::move(end)) {}

  // Of everything that was written.
  TreeHead Head() const { return end_.tree.Head(); }
  std::uint64_t next_index() const { return end_.tree.size(); }

  // Whether a frame with that many bytes of records goes into this file.
  bool HasRoomFor(std::size_t records_bytes) const;
  // Goes on in `spare`, which is all zeros and `file_bytes` long.
  Status BeginNextFile(std::unique_ptr<LogFile> spare, std::uint64_t file_bytes);
  // Durable when ok. kUnavailable: the disk failed, or the file was removed or replaced.
  Status Write(FrameBuilder& frame, std::span<const Digest> leaves);

 private:
  JournalEnd end_;
};

}  // namespace coffer::audit
