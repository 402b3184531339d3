// FaultFolder: the failing twin of io/append_file.h's folder, in memory. Each create, append, truncate, rename, remove
// and sync is a step. From a chosen one on everything fails, as when the power does, and what that one wrote is torn: a
// part of it, zeros where the rest was to be, or some of its sectors. Or a chosen step fails alone, as on a disk that
// is full or loses a write: what it did is seen, but the next power cut may take it away.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>

#include "io/append_file.h"

namespace coffer {

// One thread at a time. Outlives the files that it opened.
class FaultFolder final : public AppendFolder {
 public:
  explicit FaultFolder(std::uint64_t seed = 1) : random_(seed) {}

  // Power fails at the `step`-th step from now (1 is the next); 0: never.
  void CrashAtStep(std::uint64_t step) { crash_in_ = step; }
  // That step fails, and `count` - 1 after it; later ones do not, but on files that were open. 0: none.
  void FailAtStep(std::uint64_t step, std::uint64_t count = 1) {
    fail_in_ = step;
    fail_count_ = count;
  }
  bool crashed() const { return crashed_; }
  std::uint64_t steps() const { return steps_; }
  // Power is back, or was cut for a moment: what no sync has confirmed is there, or not, or zeros.
  void Reboot() {
    crashed_ = false;
    crash_in_ = fail_in_ = 0;
    ++boots_;
    if (names_before_ && Coin()) BringBack(*names_before_);
    names_before_.reset();
    for (auto& [name, content] : files_) Lose(IdOf(name), content);
    unsure_.clear();
  }
  void set_max_bytes(std::uint64_t max_bytes) { max_bytes_ = max_bytes; }

  // What is on the disk, to look at and to alter.
  std::map<std::string, Bytes>& files() { return files_; }
  // Another file takes the name.
  void Replace(const std::string& name, Bytes content) {
    files_[name] = std::move(content);
    ids_[name] = ++last_id_;
  }

  Result<std::unique_ptr<AppendFile>> Open(const std::string& name) override {
    if (crashed_) return Failed();
    if (!files_.contains(name)) return Error(ErrorCode::kNotFound, "there is no such file");
    return std::unique_ptr<AppendFile>(std::make_unique<File>(*this, IdOf(name)));
  }
  Result<std::unique_ptr<AppendFile>> Create(const std::string& name) override {
    const auto create = [&] { Replace(name, {}); };
    COFFER_TRY(ChangeNames(create));
    return Open(name);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    if (!crashed_ && !files_.contains(from)) return Error(ErrorCode::kNotFound, "there is no such file");
    return ChangeNames([&] {
      const std::uint64_t id = IdOf(from);
      files_[to] = std::move(files_[from]);
      ids_[to] = id;
      files_.erase(from);
      ids_.erase(from);
    });
  }
  Status Remove(const std::string& name) override {
    return ChangeNames([&] {
      files_.erase(name);
      ids_.erase(name);
    });
  }
  Status Sync() override {
    return ChangeNames([] {});
  }
  std::uint64_t max_bytes() const override { return max_bytes_; }

 private:
  using Id = std::uint64_t;
  struct Names {
    std::map<std::string, Bytes> files;
    std::map<std::string, Id> ids;
  };
  struct Span {
    std::size_t from = 0;
    std::size_t to = 0;
  };
  enum class Fate : std::uint8_t { kFine, kFails, kCrashes };

  class File final : public AppendFile {
   public:
    File(FaultFolder& folder, Id id) : folder_(folder), id_(id), boot_(folder.boots_) {}
    Result<Bytes> ReadAll() const override {
      if (folder_.crashed_) return Failed();
      if (Content().size() > folder_.max_bytes_) {
        return Error(ErrorCode::kInvalidArgument, "is longer than allowed, in bytes").WithLimit(folder_.max_bytes_);
      }
      return Content();
    }
    Result<std::uint64_t> Size() const override {
      if (folder_.crashed_) return Failed();
      return std::uint64_t{Content().size()};
    }
    Status TruncateTo(std::uint64_t size) override {
      COFFER_TRY(CheckHandle());
      if (Content().size() < size) return Error(ErrorCode::kIntegrity, "is shorter than what was written to it");
      const Fate fate = folder_.Step();
      broken_ = fate != Fate::kFine;
      if (broken_ && folder_.Coin()) return Failed();
      Content().resize(static_cast<std::size_t>(size));
      // Of a failed one the cut is seen, and what was behind it may be there again as zeros.
      std::erase_if(folder_.unsure_[id_], [&](const Span& span) { return span.from >= size; });
      for (Span& span : folder_.unsure_[id_]) span.to = std::min<std::size_t>(span.to, static_cast<std::size_t>(size));
      return broken_ ? Status(Failed()) : Status();
    }
    Status Append(ByteView piece) override {
      COFFER_TRY(CheckHandle());
      const Fate fate = folder_.Step();
      broken_ = fate != Fate::kFine;
      Bytes& content = Content();
      const Span written{content.size(), content.size() + piece.size()};
      if (fate == Fate::kCrashes) return folder_.Tear(piece, content);
      // Of one that fails some was written, or all and the sync failed.
      if (broken_ && folder_.Coin()) piece = piece.first(folder_.random_() % (piece.size() + 1));
      content.insert(content.end(), piece.begin(), piece.end());
      if (broken_) folder_.unsure_[id_].push_back({written.from, content.size()});
      return broken_ ? Status(Failed()) : Status();
    }
    Result<Place> PlaceOf(const std::string& name) const override {
      if (folder_.crashed_) return Failed();
      if (!folder_.files_.contains(name)) return Place::kGone;
      return folder_.IdOf(name) == id_ ? Place::kThere : Place::kReplaced;
    }

   private:
    Status CheckHandle() const {
      if (broken_ || folder_.crashed_ || boot_ != folder_.boots_) return Failed();
      return {};
    }
    // Of a file that lost its name: what is written goes nowhere.
    Bytes& Content() const {
      for (auto& [name, content] : folder_.files_) {
        if (folder_.IdOf(name) == id_) return content;
      }
      return folder_.nameless_;
    }
    FaultFolder& folder_;
    const Id id_;
    const std::uint64_t boot_;
    bool broken_ = false;
  };

  static constexpr std::size_t kSector = 512;

  static Error Failed() { return {ErrorCode::kUnavailable, "the disk failed"}; }
  bool Coin() { return random_() % 2 == 0; }
  Id IdOf(const std::string& name) {
    Id& id = ids_[name];
    if (id == 0) id = ++last_id_;
    return id;
  }
  Fate Step() {
    if (crashed_) return Fate::kCrashes;
    ++steps_;
    const bool fails = fail_in_ != 0 && --fail_in_ == 0;
    if (fails && --fail_count_ > 0) fail_in_ = 1;
    if (crash_in_ == 0 || --crash_in_ > 0) return fails ? Fate::kFails : Fate::kFine;
    crashed_ = true;
    return Fate::kCrashes;
  }
  template <typename Change>
  Status ChangeNames(Change change) {
    if (crashed_) return Failed();
    const Fate fate = Step();
    if (fate == Fate::kFine) {
      names_before_.reset();
      change();
      return {};
    }
    // Not done; or done, and what comes after a power cut is not known.
    if (Coin()) return Failed();
    for (const auto& [name, content] : files_) IdOf(name);
    if (!names_before_) names_before_ = Names{files_, ids_};
    change();
    return Failed();
  }
  // The names; what they name is as it is now.
  void BringBack(Names before) {
    for (auto& then : before.files) {
      const auto same = std::find_if(files_.begin(), files_.end(),
                                     [&](const auto& now) { return ids_[now.first] == before.ids[then.first]; });
      if (same != files_.end()) then.second = same->second;
    }
    files_ = std::move(before.files);
    ids_ = std::move(before.ids);
  }
  // What a power cut leaves of a piece.
  Error Tear(ByteView piece, Bytes& content) {
    const std::size_t from = content.size();
    switch (random_() % 3) {
      case 0:
        piece = piece.first(random_() % (piece.size() + 1));
        content.insert(content.end(), piece.begin(), piece.end());
        break;
      case 1:
        piece = piece.first(random_() % (piece.size() + 1));
        content.insert(content.end(), piece.begin(), piece.end());
        content.resize(content.size() + random_() % (2 * kSector));
        break;
      default:
        content.insert(content.end(), piece.begin(), piece.end());
        ZeroSectors({from, content.size()}, content);
    }
    return Failed();
  }
  void ZeroSectors(Span span, Bytes& content) {
    for (std::size_t at = span.from; at < span.to;) {
      const std::size_t end = std::min(span.to, (at / kSector + 1) * kSector);
      if (Coin()) std::fill(content.begin() + Offset(at), content.begin() + Offset(end), std::byte{0});
      at = end;
    }
  }
  void Lose(Id id, Bytes& content) {
    for (const Span& span : unsure_[id]) {
      if (span.to > content.size() || Coin()) continue;
      if (span.to == content.size() && Coin()) {
        content.resize(span.from);
      } else {
        ZeroSectors(span, content);
      }
    }
  }
  static std::ptrdiff_t Offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

  std::mt19937_64 random_;
  std::map<std::string, Bytes> files_;
  std::map<std::string, Id> ids_;           // which file has the name
  std::map<Id, std::vector<Span>> unsure_;  // what failed appends left
  std::optional<Names> names_before_;       // what a power cut may bring back
  Bytes nameless_;
  Id last_id_ = 0;
  std::uint64_t max_bytes_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t crash_in_ = 0;
  std::uint64_t fail_in_ = 0;
  std::uint64_t fail_count_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t boots_ = 0;
  bool crashed_ = false;
};

}  // namespace coffer
