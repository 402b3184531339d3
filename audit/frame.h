// The bytes of a journal file: a header, then frames, each one batch of records (docs/FORMAT.md section 9).
#pragma once

#include <optional>

#include "audit/tree.h"

namespace coffer::audit {

inline constexpr std::size_t kFileHeaderBytes = 4'096;
inline constexpr std::size_t kFrameHeadBytes = 60;
inline constexpr std::size_t kFrameAlignment = 8;  // bytes
inline constexpr std::size_t kRecordSizeBytes = 2;
inline constexpr std::size_t kMaxFrameRecords = 16'384;
inline constexpr std::size_t kMaxFrameRecordsBytes = std::size_t{8} << 20;  // with their sizes
inline constexpr std::uint64_t kMinFileBytes = std::uint64_t{128} << 10;
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

// The first bytes of each frame of a file, random, so that nothing inside a record passes for a frame.
using Mark = std::array<std::byte, 8>;
Mark NewMark();

struct FileHeader {
  Mark mark{};
  std::uint64_t number = 0;
  std::uint64_t file_bytes = 0;
  Digest origin{};
  Digest previous_header{};
  Digest previous_end{};
  Frontier before;  // the tree of all records before this file; its size is the file's first index

  std::uint64_t first_index() const { return before.size(); }
};

// True for a file size that a header may name.
bool IsFileSize(std::uint64_t bytes);
// kFileHeaderBytes.
Bytes EncodeFileHeader(const FileHeader& header);
// kIntegrity: no such header.
Result<FileHeader> ParseFileHeader(ByteView bytes);
// The digest that stands in headers for the log's name.
Digest OriginDigest(std::string_view origin);

struct FrameHead {
  std::uint64_t first = 0;  // index of the first record
  std::uint32_t count = 0;
  std::uint32_t records_bytes = 0;  // with their sizes
  Digest root{};                    // of the tree up to the last record
  std::uint32_t crc = 0;

  std::uint64_t next() const { return first + count; }
  std::size_t frame_bytes() const;  // head, records and zeros
};

// The bytes of a frame whose records take that many with their sizes.
std::size_t FrameBytes(std::size_t records_bytes);
// Of a file's `end`, one frame later. `head` is the frame's first kFrameHeadBytes.
Digest EndAfter(const Digest& end, ByteView head);

// A frame while its records come in. Not thread-safe.
class FrameBuilder {
 public:
  FrameBuilder() { Clear(); }
  // Keeps the memory.
  void Clear();
  // A programmer's error unless the record has 1 to kMaxRecordBytes and the frame has room.
  void Add(ByteView record);

  std::uint32_t count() const { return count_; }
  std::size_t records_bytes() const { return bytes_.size() - kFrameHeadBytes; }
  // Whether a record of that many bytes may still be added, when the records with their sizes may take `limit`.
  bool HasRoomFor(std::size_t record_bytes, std::size_t limit) const;
  // The records as they stand in the frame; a frame that is finished has zeros behind them.
  ByteView records() const { return ByteView(bytes_).subspan(kFrameHeadBytes); }
  // The whole frame, until Clear. Nothing can be added any more.
  ByteView Finish(const Mark& mark, std::uint64_t first, const Digest& root);

 private:
  Bytes bytes_;
  std::uint32_t count_ = 0;
};

// Walks over records with their sizes, as they stand in a frame. Looks at what it is given only.
class RecordWalk {
 public:
  explicit RecordWalk(ByteView records) : rest_(records) {}
  // The next record; nothing at the end or where no record stands.
  std::optional<ByteView> Next();
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

// The head at the beginning of `bytes`, when a frame of the file with that mark may begin there: false marks and sizes
// out of bounds are none.
std::optional<FrameHead> ParseFrameHead(const Mark& mark, ByteView bytes);
// Whether the CRC of a frame, from its mark to its last zero, is right. `frame` is as long as its head says.
bool FrameIsWhole(const FrameHead& head, ByteView frame);
// The records of a whole frame, with their sizes. kIntegrity: they are not as many, or not as long, as the head says,
// or what follows them is not zero.
Result<ByteView> RecordsOf(const FrameHead& head, ByteView frame);

}  // namespace coffer::audit
