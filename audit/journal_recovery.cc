#include "audit/journal_recovery.h"

#include <algorithm>
#include <utility>

#include "audit/journal_scan.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kZerosAtOnce = std::size_t{1} << 20;

// Frames up to the file's end, their roots compared with the tree that their records make.
Status ReadFrames(FileScanner& scanner, Frontier& tree) {
  while (true) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<FileScanner::Frame> frame, scanner.Next());
    if (!frame) return {};
    RecordWalk walk(frame->records);
    while (const std::optional<ByteView> record = walk.Next()) tree.Append(LeafHash(*record));
    if (tree.Root() != frame->head.root) {
      return Error(ErrorCode::kIntegrity, "the journal's records are not those whose root was written");
    }
  }
}

Status WriteZeros(LogFile& file, std::uint64_t from, std::uint64_t to) {
  if (from >= to) return {};
  const Bytes zeros(static_cast<std::size_t>(std::min<std::uint64_t>(kZerosAtOnce, to - from)));
  while (from < to) {
    const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), to - from);
    COFFER_TRY(file.WriteAt(from, ByteView(zeros).first(static_cast<std::size_t>(size))));
    from += size;
  }
  return {};
}

// The last frame may have been read from memory that never reached the disk: its writer was killed before the sync, or
// the sync failed, after which the kernel takes the memory for written. What came before it was synced. Written anew,
// it is.
Status WriteAgain(LogFile& file, std::uint64_t from, std::uint64_t to) {
  Bytes bytes(static_cast<std::size_t>(to - from));
  COFFER_ASSIGN_OR_RETURN(const std::size_t count, file.ReadAt(from, bytes));
  return file.WriteAt(from, ByteView(bytes).first(count));
}

// Opens all files but the last, checks them as deep as asked, and gives the last.
class Recovery {
 public:
  Recovery(LogFolder& folder, std::string_view origin, Depth depth, const TreeHead& base)
      : folder_(folder), sequence_(OriginDigest(origin), base), depth_(depth) {}

  Result<JournalEnd> Run(const std::vector<std::string>& names, std::uint64_t known_size) {
    for (std::size_t i = 0; i + 1 < names.size(); ++i) COFFER_TRY(PassOver(names[i]));
    COFFER_ASSIGN_OR_RETURN(FileScanner scanner, OpenNext(names.back(), LogFolder::Access::kReadAndWrite));
    COFFER_TRY(sequence_.Finish());
    tree_ = scanner.header().before;
    COFFER_TRY(ReadFrames(scanner, tree_));
    COFFER_ASSIGN_OR_RETURN(const FileScanner::Tail tail, scanner.ReadTail());
    if (tree_.size() < known_size) {
      return Error(ErrorCode::kIntegrity, "the journal ends before the last record of a checkpoint");
    }
    JournalEnd end{.file = nullptr,
                   .header = scanner.header(),
                   .header_digest = scanner.header_digest(),
                   .offset = tail.from,
                   .end = scanner.end(),
                   .tree = tree_,
                   .torn = tail.torn};
    const bool cut = scanner.file_bytes() < end.header.file_bytes;
    const std::uint64_t zeros_to = cut ? end.header.file_bytes : tail.from + tail.torn;
    end.file = std::move(scanner).TakeFile();
    COFFER_TRY(WriteAgain(*end.file, tail.last_frame, tail.from));
    COFFER_TRY(WriteZeros(*end.file, tail.from, zeros_to));
    COFFER_TRY(end.file->Sync());
    COFFER_TRY(folder_.SyncNames());
    return end;
  }

 private:
  Result<FileScanner> OpenNext(const std::string& name, LogFolder::Access access) {
    COFFER_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, folder_.Open(name, access));
    COFFER_ASSIGN_OR_RETURN(FileScanner scanner, FileScanner::Open(std::move(file)));
    const FileHeader& header = scanner.header();
    if (!std::exchange(begun_, true)) {
      tree_ = header.before;
      end_ = header.previous_end;
    }
    COFFER_TRY(depth_ == Depth::kEveryRecord ? sequence_.Follow(name, header, scanner.header_digest(), tree_, end_)
                                             : sequence_.Follow(name, header, scanner.header_digest()));
    return scanner;
  }

  // A file that another one follows: nothing of it may be missing.
  Status PassOver(const std::string& name) {
    COFFER_ASSIGN_OR_RETURN(FileScanner scanner, OpenNext(name, LogFolder::Access::kRead));
    bool whole = scanner.file_bytes() == scanner.header().file_bytes;
    if (depth_ == Depth::kEveryRecord) {
      COFFER_TRY(ReadFrames(scanner, tree_));
      end_ = scanner.end();
      COFFER_ASSIGN_OR_RETURN(const FileScanner::Tail tail, scanner.ReadTail());
      whole = whole && tail.torn == 0;
    }
    if (whole) return {};
    return Error(ErrorCode::kIntegrity, "is damaged: a journal file follows what is not whole").At(name);
  }

  LogFolder& folder_;
  FileSequence sequence_;
  const Depth depth_;
  bool begun_ = false;
  Frontier tree_;
  Digest end_{};
};

}  // namespace

Result<JournalEnd> RecoverJournal(LogFolder& folder, std::string_view origin, Depth depth, std::uint64_t known_size,
                                  const TreeHead& base) {
  // Of what was dropped nobody asks whether it is whole.
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, JournalFileNames(folder, base.size));
  if (names.empty() && base.size > 0) return FileSequence(OriginDigest(origin), base).Finish().error();
  if (names.empty()) return Error(ErrorCode::kNotFound, "there is no journal file in the audit log's folder");
  return Recovery(folder, origin, depth, base).Run(names, known_size);
}

Result<JournalEnd> BeginFile(std::unique_ptr<LogFile> spare, const FileHeader& header) {
  const Bytes bytes = EncodeFileHeader(header);
  COFFER_TRY(spare->WriteAt(0, bytes));
  COFFER_TRY(spare->Sync());
  COFFER_TRY(spare->Rename(JournalFileName(header.first_index())));
  const Digest digest = Sha256({bytes});
  return JournalEnd{.file = std::move(spare),
                    .header = header,
                    .header_digest = digest,
                    .offset = kFileHeaderBytes,
                    .end = digest,
                    .tree = header.before,
                    .torn = 0};
}

}  // namespace coffer::audit
