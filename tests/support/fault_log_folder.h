// FaultLogFolder: the failing twin of io/log_file.h's folder, in memory. What was not synced is lost in pieces when the
// power fails; disks fill up, writes and syncs fail on request; a sync can be held until the test lets it go.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "io/log_file.h"
#include "io/mutex.h"

namespace coffer {

// Thread-safe. Outlives the files that it opened.
class FaultLogFolder final : public LogFolder {
 public:
  explicit FaultLogFolder(std::uint64_t seed = 1) : random_(seed) {}

  // Files' sizes together; Prepare of more fails as a full disk does.
  void SetSpace(std::uint64_t bytes) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    space_ = bytes;
  }
  // The `count`-th from now fails (1 is the next), and whatever follows on the same file; 0: never. A write that fails
  // has written a part.
  void FailWrite(std::uint64_t count) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    write_fails_in_ = count;
  }
  void FailSync(std::uint64_t count) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    sync_fails_in_ = count;
  }
  // The next renaming changes the name, and fails before that is durable.
  void FailSyncOfRename() COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    rename_sync_fails_ = true;
  }
  // Power fails at the `step`-th write, sync, preparation, renaming or removal from now (1 is the next); 0: never.
  void CrashAtStep(std::uint64_t step) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    crash_in_ = step;
  }
  std::uint64_t steps() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return steps_;
  }
  std::uint64_t syncs() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return syncs_;
  }
  bool crashed() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return crashed_;
  }
  // Ends the outage, or makes one that lasts no time: of what was not synced, some pieces of 512 bytes are there and
  // some are not. Files that were open stay broken.
  void Reboot() COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    crashed_ = false;
    crash_in_ = write_fails_in_ = sync_fails_in_ = 0;
    ++boots_;
    nodes_ = durable_names_;
    for (auto& [name, node] : nodes_) LosePieces(*node);
  }
  // Syncs wait while held.
  void HoldSyncs(bool held) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    syncs_held_ = held;
    changed_.notify_all();
  }
  std::uint64_t waiting_syncs() const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return waiting_syncs_;
  }

  // What somebody else does to the disk.
  Bytes Content(const std::string& name) const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? Bytes() : found->second->content;
  }
  // A new file, in place of one of this name.
  void Put(const std::string& name, Bytes content) COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    auto node = std::make_shared<Node>();
    node->durable = content;
    node->content = std::move(content);
    nodes_[name] = std::move(node);
    durable_names_ = nodes_;
  }
  bool Has(const std::string& name) const COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return nodes_.contains(name);
  }

  Result<std::vector<std::string>> List() const override COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (crashed_) return Failed();
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_) names.push_back(name);
    return names;
  }
  Result<std::unique_ptr<LogFile>> Open(const std::string& name, Access) const override COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (crashed_) return Failed();
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) return Error(ErrorCode::kNotFound, "does not exist");
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, name, found->second, boots_));
  }
  Result<std::unique_ptr<LogFile>> Prepare(const std::string& name, std::uint64_t bytes) override
      COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    COFFER_TRY(Step());
    std::uint64_t used = bytes;
    for (const auto& [other, node] : nodes_) used += other == name ? 0 : node->content.size();
    if (used > space_) return Error(ErrorCode::kUnavailable, "could not be written: no space is left on the device");
    auto node = std::make_shared<Node>();
    node->durable = node->content = Bytes(bytes);
    nodes_[name] = node;
    durable_names_ = nodes_;
    return std::unique_ptr<LogFile>(std::make_unique<File>(*this, name, std::move(node), boots_));
  }
  Status Remove(const std::string& name) override COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    COFFER_TRY(Step());
    nodes_.erase(name);
    durable_names_ = nodes_;
    return {};
  }
  Status SyncNames() override COFFER_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    COFFER_TRY(Step());
    durable_names_ = nodes_;
    return {};
  }

 private:
  struct Node {
    Bytes content;                                               // what is read
    Bytes durable;                                               // what a power cut leaves at least
    std::vector<std::pair<std::uint64_t, std::uint64_t>> dirty;  // offset and size

    void Harden() {
      durable.resize(content.size());
      for (const auto& [offset, size] : dirty) {
        const auto from = static_cast<std::ptrdiff_t>(offset);
        std::copy_n(content.begin() + from, size, durable.begin() + from);
      }
    }
  };

  class File final : public LogFile {
   public:
    File(const FaultLogFolder& folder, std::string name, std::shared_ptr<Node> node, std::uint64_t boot)
        : folder_(folder), name_(std::move(name)), node_(std::move(node)), boot_(boot) {}

    Result<std::uint64_t> Size() const override {
      const Lock lock(folder_.mutex_);
      return std::uint64_t{node_->content.size()};
    }
    Result<std::size_t> ReadAt(std::uint64_t offset, MutableBytes out) const override {
      const Lock lock(folder_.mutex_);
      if (folder_.crashed_) return Failed();
      if (offset >= node_->content.size()) return std::size_t{0};
      const std::size_t count = std::min<std::size_t>(out.size(), node_->content.size() - offset);
      std::copy_n(node_->content.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
      return count;
    }
    Status WriteAt(std::uint64_t offset, ByteView bytes) override {
      const Lock lock(folder_.mutex_);
      if (broken_ || boot_ != folder_.boots_) return Failed();
      const bool fails = Counted(folder_.write_fails_in_) || !folder_.Step().ok();
      broken_ = broken_ || fails;
      if (fails) bytes = bytes.first(folder_.random_() % (bytes.size() + 1));
      if (offset + bytes.size() > node_->content.size()) node_->content.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), node_->content.begin() + static_cast<std::ptrdiff_t>(offset));
      node_->dirty.emplace_back(offset, bytes.size());
      return fails ? Status(Failed()) : Status();
    }
    Status Sync() override {
      const Lock lock(folder_.mutex_);
      ++folder_.waiting_syncs_;
      while (folder_.syncs_held_) folder_.changed_.wait(folder_.mutex_);
      --folder_.waiting_syncs_;
      ++folder_.syncs_;
      broken_ = broken_ || boot_ != folder_.boots_ || Counted(folder_.sync_fails_in_) || !folder_.Step().ok();
      // As kernels do: what a failed sync did not write counts as written from then on.
      if (!broken_) node_->Harden();
      node_->dirty.clear();
      return broken_ ? Status(Failed()) : Status();
    }
    Status CheckInPlace() const override {
      const Lock lock(folder_.mutex_);
      const auto found = folder_.nodes_.find(name_);
      if (found != folder_.nodes_.end() && found->second == node_) return {};
      return Error(ErrorCode::kFailedPrecondition, "was removed or replaced while it was in use");
    }
    Status Rename(const std::string& name) override {
      const Lock lock(folder_.mutex_);
      if (broken_ || boot_ != folder_.boots_ || !folder_.Step().ok()) return Failed();
      if (folder_.nodes_.contains(name)) return Error(ErrorCode::kAlreadyExists, "already exists");
      folder_.nodes_.erase(name_);
      folder_.nodes_[name] = node_;
      name_ = name;
      if (std::exchange(folder_.rename_sync_fails_, false)) return Failed();
      folder_.durable_names_ = folder_.nodes_;
      return {};
    }

   private:
    static bool Counted(std::uint64_t& left) { return left != 0 && --left == 0; }

    const FaultLogFolder& folder_;
    std::string name_;
    const std::shared_ptr<Node> node_;
    const std::uint64_t boot_;
    bool broken_ = false;
  };

  static Error Failed() { return {ErrorCode::kUnavailable, "the disk failed"}; }

  Status Step() const COFFER_REQUIRES(mutex_) {
    if (crashed_) return Failed();
    ++steps_;
    if (crash_in_ == 0 || --crash_in_ > 0) return {};
    crashed_ = true;
    return Failed();
  }

  void LosePieces(Node& node) COFFER_REQUIRES(mutex_) {
    constexpr std::uint64_t kPiece = 512;
    // The size is a matter of its own: here it is always that of the content.
    node.durable.resize(node.content.size());
    for (const auto& [offset, size] : node.dirty) {
      for (std::uint64_t at = offset; at < offset + size; at = (at / kPiece + 1) * kPiece) {
        if (random_() % 2 == 0) continue;
        const std::uint64_t end = std::min(offset + size, (at / kPiece + 1) * kPiece);
        for (std::uint64_t i = at; i < end; ++i) node.durable[i] = node.content[i];
      }
    }
    node.content = node.durable;
    node.dirty.clear();
  }

  mutable Mutex mutex_;
  mutable Condition changed_;
  mutable std::mt19937_64 random_ COFFER_GUARDED_BY(mutex_);
  mutable std::map<std::string, std::shared_ptr<Node>> nodes_ COFFER_GUARDED_BY(mutex_);
  mutable std::map<std::string, std::shared_ptr<Node>> durable_names_ COFFER_GUARDED_BY(mutex_);
  mutable bool rename_sync_fails_ COFFER_GUARDED_BY(mutex_) = false;
  std::uint64_t space_ COFFER_GUARDED_BY(mutex_) = ~std::uint64_t{0};
  mutable std::uint64_t write_fails_in_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t sync_fails_in_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t crash_in_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t steps_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t syncs_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable std::uint64_t waiting_syncs_ COFFER_GUARDED_BY(mutex_) = 0;
  std::uint64_t boots_ COFFER_GUARDED_BY(mutex_) = 0;
  mutable bool crashed_ COFFER_GUARDED_BY(mutex_) = false;
  bool syncs_held_ COFFER_GUARDED_BY(mutex_) = false;
};

}  // namespace coffer
