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
  struct Calls {
    // Before the first record: the tree of those that were dropped, as the file says that begins behind them.
    std::function<void(const Frontier& before)> begin;
    // With each record in its order, after the tree has it.
    std::function<void(std::uint64_t index, ByteView record)> take;
  };

  // All must outlive it. `base`: the tree of what retention dropped; files below are passed over.
  JournalWalk(const LogFolder& folder, std::string_view origin, const TreeHead& base, VerifyReport& report,
              Calls calls);

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
  Step CheckFirst(const std::string& name, const FileScanner& scanner);
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
  const TreeHead base_;
  VerifyReport& report_;
  const Calls calls_;
  Frontier tree_;
  Before before_;
  bool begun_ = false;
  std::uint64_t number_ = 0;
  bool broken_ = false;  // found while reading again
};

}  // namespace coffer::audit
