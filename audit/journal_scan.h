// Reading one journal file from front to back, a frame at a time.
#pragma once

#include "audit/frame.h"
#include "io/log_file.h"

namespace coffer::audit {

// Not thread-safe. Memory: a quarter of a megabyte, or a frame where that is longer.
class FileScanner {
 public:
  // A frame whose CRC is right and that continues those before it. The bytes live until the next call.
  struct Frame {
    FrameHead head;
    ByteView records;  // with their sizes, for a RecordWalk
  };
  // What follows the last frame.
  struct Tail {
    std::uint64_t last_frame = 0;  // where it begins; as `from` when there is none
    std::uint64_t from = 0;        // where it ends
    std::uint64_t torn = 0;        // bytes from there to the last one that is not zero; 0: nothing but zeros
  };

  // Reads the header; kIntegrity: there is none.
  static Result<FileScanner> Open(std::unique_ptr<LogFile> file);

  const FileHeader& header() const { return header_; }
  const Digest& header_digest() const { return header_digest_; }
  // As the file is; at most what its header says.
  std::uint64_t file_bytes() const { return bytes_; }

  // The next frame, or nothing where none begins any more. kIntegrity: a whole frame that does not continue the ones
  // before it. Its root is not compared with anything.
  Result<std::optional<Frame>> Next();
  // Passes over frames that end at or before `index`, by their heads, without looking at CRCs.
  Status SkipTo(std::uint64_t index);

  std::uint64_t next_index() const { return next_index_; }
  // The file's end behind the frames so far.
  const Digest& end() const { return end_; }

  // After Next gave nothing. kIntegrity: a frame of this file begins later.
  Result<Tail> ReadTail();

  std::unique_ptr<LogFile> TakeFile() && { return std::move(file_); }

 private:
  FileScanner(std::unique_ptr<LogFile> file, std::uint64_t file_bytes) : file_(std::move(file)), bytes_(file_bytes) {}

  // Up to `size` bytes from `offset` on, fewer at the end that the header names; live until the next call.
  Result<ByteView> View(std::uint64_t offset, std::size_t size);
  // The head at `offset`, when one may begin there and its frame fits into the file.
  Result<std::optional<FrameHead>> HeadAt(std::uint64_t offset);
  // True when a whole frame begins at `offset`.
  Result<bool> FrameBeginsAt(std::uint64_t offset);
  // Past the frame at offset_.
  Status Pass(const FrameHead& head);

  std::unique_ptr<LogFile> file_;
  std::uint64_t bytes_;
  FileHeader header_;
  Digest header_digest_{};
  Digest end_{};
  std::uint64_t offset_ = kFileHeaderBytes;
  std::uint64_t last_frame_ = kFileHeaderBytes;
  std::uint64_t next_index_ = 0;

  Bytes window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace coffer::audit
