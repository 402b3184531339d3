// JournalWalk: a journal read from its first byte to its last, every rule of docs/FORMAT.md section 9 checked. Part of
// audit/verifier.h.
#pragma once

#include <functional>

#include "audit/journal_scan.h"
#include "audit/verifier_report.h"

namespace coffer::audit {

// Beside a running service it reads what is durable when it gets there; what is just being written is waited for by
// reading again. Not thread-safe.
class JournalWalk {
 public:
  using Take = std::function<void(std::uint64_t index, ByteView record)>;

  // All must outlive it. `take` is called with each record in its order, after the tree has it.
  JournalWalk(const LogFolder& folder, std::string_view origin, VerifyReport& report, Take take);

  // To the end, or to what is so damaged that nothing can be said about what follows.
  void Run();

  const Frontier& tree() const { return tree_; }

 private:
  // What a file must continue.
  struct Before {
    Digest header{};
    Digest end{};
  };
  enum class Step : std::uint8_t { kGoOn, kStop };

  std::vector<std::string> List();
  Step ReadOne(const std::string& name, bool last);
  std::optional<FileScanner> OpenFile(const std::string& name);
  // Of the first kFileHeaderBytes, before anything is made of them.
  std::optional<FileHeader> CheckHead(const std::string& name, const LogFile& file);
  Step CheckSequence(const std::string& name, const FileScanner& scanner);
  // All frames from the scanner's place on.
  Step ReadFrames(const std::string& name, FileScanner& scanner);
  void TakeFrame(const std::string& name, const FileScanner::Frame& frame);
  Step CheckEnd(const std::string& name, FileScanner& scanner, bool last);
  // A writer may have been at work: whether more frames are there now. They are taken.
  bool ReadAgain(const std::string& name, FileScanner& scanner);
  void FindError(Check check, const std::string& name, const Error& error);

  const LogFolder& folder_;
  const Digest origin_;
  VerifyReport& report_;
  const Take take_;
  Frontier tree_;
  Before before_;
  std::uint64_t number_ = 0;
  bool broken_ = false;  // found while reading again
};

}  // namespace coffer::audit
