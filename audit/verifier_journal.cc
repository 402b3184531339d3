#include "audit/verifier_journal.h"

#include <algorithm>

#include "audit/journal_files.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kEnding = ".journal";
constexpr std::string_view kFolder = "journal/";
constexpr int kReadAgain = 5;  // times that a running writer may be in the way without being done

bool IsJournalName(std::string_view name) {
  const std::string_view digits = name.substr(0, name.size() - kEnding.size());
  return digits.size() == 20 && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsSpareName(std::string_view name) {
  if (name.ends_with(".new")) name.remove_suffix(4);
  return name == "spare-0" || name == "spare-1";
}

std::string PlaceOf(const std::string& name) { return std::string(kFolder) + name; }

}  // namespace

JournalWalk::JournalWalk(const LogFolder& folder, std::string_view origin, const TreeHead& base, VerifyReport& report,
                         Calls calls)
    : folder_(folder), origin_(OriginDigest(origin)), base_(base), report_(report), calls_(std::move(calls)) {}

void JournalWalk::FindError(Check check, const std::string& name, const Error& error) {
  const bool outage = error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kPermissionDenied;
  report_.Find(outage ? Check::kReading : check, PlaceOf(name), error.message(), tree_.size());
}

std::vector<std::string> JournalWalk::List() {
  std::vector<std::string> names;
  const Result<std::vector<std::string>> all = folder_.List();
  if (!all.ok()) {
    const bool gone = all.error().code() == ErrorCode::kNotFound;
    report_.Find(gone ? Check::kJournalFiles : Check::kReading, std::string(kFolder), all.error().message());
    return names;
  }
  for (const std::string& name : *all) {
    if (std::string_view(name).ends_with(kEnding)) {
      if (IsJournalName(name)) {
        names.push_back(name);
      } else {
        report_.Find(Check::kJournalFiles, PlaceOf(name), "is not the name of a journal file");
      }
    } else if (!IsSpareName(name)) {
      report_.Find(Check::kForeignFiles, PlaceOf(name), "is no file of the log");
    }
  }
  // What retention left when a crash interrupted it is no longer of the log.
  std::erase_if(names, [first = JournalFileName(base_.size)](const std::string& name) { return name < first; });
  if (names.empty()) report_.Find(Check::kJournalFiles, std::string(kFolder), "holds no journal file");
  return names;
}

void JournalWalk::Run() {
  const std::vector<std::string> names = List();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (ReadOne(names[i], i + 1 == names.size()) == Step::kStop) break;
  }
  report_.head = tree_.Head();
}

JournalWalk::Step JournalWalk::ReadOne(const std::string& name, bool last) {
  std::optional<FileScanner> scanner = OpenFile(name);
  if (!scanner || CheckSequence(name, *scanner) == Step::kStop) return Step::kStop;
  ++report_.journal_files;
  if (ReadFrames(name, *scanner) == Step::kStop || CheckEnd(name, *scanner, last) == Step::kStop) return Step::kStop;
  before_ = {.header = scanner->header_digest(), .end = scanner->end()};
  ++number_;
  return Step::kGoOn;
}

std::optional<FileHeader> JournalWalk::CheckHead(const std::string& name, const LogFile& file) {
  const Result<std::uint64_t> bytes = file.Size();
  Bytes head(kFileHeaderBytes);
  const Result<std::size_t> count = bytes.ok() ? file.ReadAt(0, head) : bytes.error();
  if (!count.ok()) {
    FindError(Check::kReading, name, count.error());
    return std::nullopt;
  }
  Result<FileHeader> header = ParseFileHeader(ByteView(head).first(*count));
  if (!header.ok()) {
    FindError(Check::kJournalHeaders, name, header.error());
    return std::nullopt;
  }
  if (*bytes != header->file_bytes) {
    const std::string_view what =
        *bytes > header->file_bytes ? "is longer than its header says" : "is shorter than its header says";
    report_.Find(Check::kJournalFiles, PlaceOf(name), what);
    if (*bytes > header->file_bytes) return std::nullopt;
  }
  return std::move(header).value();
}

std::optional<FileScanner> JournalWalk::OpenFile(const std::string& name) {
  Result<std::unique_ptr<LogFile>> file = folder_.Open(name, LogFolder::Access::kRead);
  if (!file.ok()) {
    FindError(Check::kJournalFiles, name, file.error());
    return std::nullopt;
  }
  if (!CheckHead(name, **file)) return std::nullopt;
  Result<FileScanner> scanner = FileScanner::Open(std::move(file).value());
  if (scanner.ok()) return std::move(scanner).value();
  FindError(Check::kJournalHeaders, name, scanner.error());
  return std::nullopt;
}

// The file that has to begin behind what was dropped.
JournalWalk::Step JournalWalk::CheckFirst(const std::string& name, const FileScanner& scanner) {
  const FileHeader& header = scanner.header();
  begun_ = true;
  if (header.first_index() != base_.size || (header.number == 0) != (base_.size == 0)) {
    report_.Find(Check::kJournalFiles, PlaceOf(name), "does not follow: a journal file is missing before it",
                 base_.size);
    return Step::kStop;
  }
  if (base_.size > 0) {
    number_ = header.number;
    before_ = {.header = header.previous_header, .end = header.previous_end};
    tree_ = header.before;
    if (tree_.Root() != base_.root) {
      report_.Find(Check::kRetention, PlaceOf(name), "does not continue the records that the note says were dropped",
                   base_.size);
    }
  }
  calls_.begin(tree_);
  return Step::kGoOn;
}

JournalWalk::Step JournalWalk::CheckSequence(const std::string& name, const FileScanner& scanner) {
  const FileHeader& header = scanner.header();
  const std::string place = PlaceOf(name);
  if (header.origin != origin_) {
    report_.Find(Check::kJournalHeaders, place, "is a journal file of another log");
    return Step::kStop;
  }
  if (name != JournalFileName(header.first_index())) {
    report_.Find(Check::kJournalFiles, place, "is not the name that this file was given");
    return Step::kStop;
  }
  if (!begun_ && CheckFirst(name, scanner) == Step::kStop) return Step::kStop;
  if (header.number != number_) {
    report_.Find(Check::kJournalFiles, place, "does not follow: a journal file is missing before it", tree_.size());
    return Step::kStop;
  }
  if (header.first_index() != tree_.size() || header.previous_header != before_.header ||
      header.previous_end != before_.end || !(header.before == tree_)) {
    report_.Find(Check::kJournalChain, place, "does not continue what the journal file before it holds", tree_.size());
  }
  // Whatever else is wrong, where its records go is known.
  return header.first_index() == tree_.size() ? Step::kGoOn : Step::kStop;
}

void JournalWalk::TakeFrame(const std::string& name, const FileScanner::Frame& frame) {
  RecordWalk walk(frame.records);
  for (std::uint64_t index = frame.head.first; const std::optional<ByteView> record = walk.Next(); ++index) {
    tree_.Append(LeafHash(*record));
    report_.record_bytes += record->size();
    calls_.take(index, *record);
  }
  ++report_.frames;
  if (tree_.Root() != frame.head.root) {
    report_.Find(Check::kJournalRoots, PlaceOf(name), "holds a frame whose root is not that of the records",
                 frame.head.first);
  }
}

JournalWalk::Step JournalWalk::ReadFrames(const std::string& name, FileScanner& scanner) {
  while (true) {
    const Result<std::optional<FileScanner::Frame>> frame = scanner.Next();
    if (!frame.ok()) {
      FindError(Check::kJournalFrames, name, frame.error());
      return Step::kStop;
    }
    if (!*frame) return Step::kGoOn;
    TakeFrame(name, **frame);
  }
}

bool JournalWalk::ReadAgain(const std::string& name, FileScanner& scanner) {
  const std::uint64_t had = tree_.size();
  Result<std::unique_ptr<LogFile>> file = folder_.Open(name, LogFolder::Access::kRead);
  if (!file.ok()) return false;
  Result<FileScanner> again = FileScanner::Open(std::move(file).value());
  if (!again.ok() || again->header_digest() != scanner.header_digest()) return false;
  if (!again->SkipTo(had).ok() || again->next_index() != had) return false;
  scanner = std::move(again).value();
  broken_ = ReadFrames(name, scanner) == Step::kStop;
  return tree_.size() > had;
}

JournalWalk::Step JournalWalk::CheckEnd(const std::string& name, FileScanner& scanner, bool last) {
  for (int left = kReadAgain;;) {
    const Result<FileScanner::Tail> tail = scanner.ReadTail();
    if (tail.ok() && tail->torn == 0) return Step::kGoOn;
    const bool more = last && ReadAgain(name, scanner);
    if (broken_) return Step::kStop;
    if (more) left = kReadAgain;
    if (more || (last && --left > 0)) continue;
    if (!tail.ok()) {
      FindError(Check::kJournalFrames, name, tail.error());
    } else if (last) {
      report_.Find(Check::kJournalTail, PlaceOf(name),
                   "something follows the last frame: a write that a crash ended (the next start overwrites it), or an "
                   "edit",
                   tree_.size());
    } else {
      report_.Find(Check::kJournalFrames, PlaceOf(name), "something that is no frame follows its last frame",
                   tree_.size());
    }
    return Step::kStop;
  }
}

}  // namespace coffer::audit
