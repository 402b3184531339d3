// FaultFolder: the failing twin of io/append_file.h's folder, in memory. Each create, append, truncate, rename and
// remove is a step; from a chosen one on everything fails, and that one may be torn.
#pragma once

#include <map>
#include <random>

#include "io/append_file.h"

namespace coffer {

// One thread at a time. Outlives the files that it opened.
class FaultFolder final : public AppendFolder {
 public:
  explicit FaultFolder(std::uint64_t seed = 1) : random_(seed) {}

  // Power fails at the `step`-th step from now (1 is the next); 0: never.
  void CrashAtStep(std::uint64_t step) { left_ = step; }
  bool crashed() const { return crashed_; }
  std::uint64_t steps() const { return steps_; }
  void Reboot() {
    crashed_ = false;
    left_ = 0;
    ++boots_;
  }
  // What is on the disk, to look at and to alter.
  std::map<std::string, Bytes>& files() { return files_; }

  Result<std::unique_ptr<AppendFile>> Open(const std::string& name) override {
    if (crashed_) return Failed();
    if (!files_.contains(name)) return Error(ErrorCode::kNotFound, "there is no such file");
    return std::unique_ptr<AppendFile>(std::make_unique<File>(*this, name));
  }
  Result<std::unique_ptr<AppendFile>> Create(const std::string& name) override {
    COFFER_TRY(Step());
    files_[name].clear();
    return Open(name);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    COFFER_TRY(Step());
    files_[to] = files_[from];
    files_.erase(from);
    return {};
  }
  Status Remove(const std::string& name) override {
    COFFER_TRY(Step());
    files_.erase(name);
    return {};
  }

 private:
  class File final : public AppendFile {
   public:
    File(FaultFolder& folder, std::string name) : folder_(folder), name_(std::move(name)), boot_(folder.boots_) {}
    Result<Bytes> ReadAll() const override {
      if (folder_.crashed_) return Failed();
      return folder_.files_[name_];
    }
    Status TruncateTo(std::uint64_t size) override {
      COFFER_TRY(CheckHandle());
      COFFER_TRY(folder_.Step());
      folder_.files_[name_].resize(size);
      return {};
    }
    Status Append(ByteView piece) override {
      COFFER_TRY(CheckHandle());
      const Status step = folder_.Step();
      if (!step.ok()) {
        broken_ = true;
        piece = piece.first(folder_.random_() % (piece.size() + 1));
      }
      Bytes& content = folder_.files_[name_];
      content.insert(content.end(), piece.begin(), piece.end());
      return step;
    }

   private:
    Status CheckHandle() const {
      if (broken_ || folder_.crashed_ || boot_ != folder_.boots_) return Failed();
      return {};
    }
    FaultFolder& folder_;
    const std::string name_;
    const std::uint64_t boot_;
    bool broken_ = false;
  };

  static Error Failed() { return {ErrorCode::kUnavailable, "the disk failed"}; }
  Status Step() {
    if (crashed_) return Failed();
    ++steps_;
    if (left_ == 0 || --left_ > 0) return {};
    crashed_ = true;
    return Failed();
  }

  std::mt19937_64 random_;
  std::map<std::string, Bytes> files_;
  std::uint64_t left_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t boots_ = 0;
  bool crashed_ = false;
};

}  // namespace coffer
