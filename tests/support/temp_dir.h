// TempDir: a private folder for one test, removed with all that is in it.
#pragma once

#include <filesystem>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <system_error>

namespace coffer {

// Mode 0700, in the system's temporary folder. Not for secrets: it may lie on a disk.
class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "coffer-test-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` in it; nothing is made.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace coffer
