// JournalReader: records of a journal in order, for whoever derives something from them: tiles, tables, a verifier.
#pragma once

#include <limits>

#include "audit/journal_files.h"
#include "audit/journal_scan.h"

namespace coffer::audit {

struct RecordRange {
  static constexpr std::uint64_t kToTheEnd = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t from = 0;        // index of the first record
  std::uint64_t to = kToTheEnd;  // of the first one that is not read
};

// Not thread-safe. Changes nothing, and needs no Journal; beside a running one `to` must be at most the size that
// Journal::durable() named before Open, since what lies behind may still change.
class JournalReader {
 public:
  struct Record {
    std::uint64_t index = 0;
    ByteView bytes;  // until the next call
  };

  // `folder` must outlive it. kNotFound: there is no journal. kIntegrity: it is damaged, or of another origin.
  static Result<JournalReader> Open(const LogFolder& folder, std::string_view origin, RecordRange range = {});

  // The next record, or nothing at the end of the range. Without an end of the range reading ends where recovery would
  // go on. kIntegrity: damage before that; every later call fails as well.
  Result<std::optional<Record>> Next();

  // What the frame of the last record says: the tree up to the frame's last record, and whether that was it. The root
  // is compared with nothing here.
  const TreeHead& frame_head() const { return frame_head_; }
  bool at_frame_end() const { return next_ == frame_head_.size; }

 private:
  JournalReader(const LogFolder& folder, std::string_view origin, RecordRange range, std::vector<std::string> names)
      : folder_(&folder), origin_(OriginDigest(origin)), next_(range.from), to_(range.to), names_(std::move(names)) {}

  // The file that holds next_, or the last one.
  Status OpenFirst();
  Status OpenFile(std::size_t which);
  // The next frame that has records of the range; false at the end of all files.
  Result<bool> NextFrame();
  Status FollowFile();
  Result<std::optional<Record>> Read();

  const LogFolder* folder_;
  Digest origin_;
  std::uint64_t next_;
  std::uint64_t to_;
  std::vector<std::string> names_;
  std::size_t file_ = 0;  // in names_
  std::optional<FileScanner> scanner_;
  RecordWalk walk_{ByteView()};
  TreeHead frame_head_;
  std::optional<Error> failed_;
};

}  // namespace coffer::audit
