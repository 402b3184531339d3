// Removes a tree of files, bounded, without following links; on request every file is overwritten with zeros before.
#pragma once

#include <optional>
#include <string>

#include "crypto/result.h"

namespace coffer::internal {

enum class Overwrite : std::uint8_t { kNo, kZeros };

inline constexpr int kMaxTreeDepth = 64;
inline constexpr std::size_t kMaxTreeEntries = 1'000'000;

// Goes on after failures and returns the first one. Ok when nothing is there.
class TreeRemover {
 public:
  explicit TreeRemover(Overwrite overwrite) : overwrite_(overwrite) {}
  Status Remove(const std::string& path);

 private:
  void RemoveEntry(int parent, const std::string& name, int depth);
  void RemoveFolder(int parent, const std::string& name, int depth);
  void OverwriteFile(int parent, const std::string& name);
  void Fail(Error error);

  Overwrite overwrite_;
  std::size_t entries_ = 0;
  std::optional<Error> first_failure_;
};

}  // namespace coffer::internal
