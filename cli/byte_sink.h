// Where records go: standard output, or a new file that is there whole or not at all.
#pragma once

#include <memory>
#include <string>

#include "cli/outcome.h"

namespace coffer::cli {

// Thread-compatible. A file has mode 0600 (plaintext may go there) and gets its name in Finish, never that of a file
// which is there. Until then it has none, so that nothing is left of a run that failed or was killed.
class ByteSink {
 public:
  // What a file is until it is finished. Where the file system knows no files without a name (NFS, FAT), or there is no
  // /proc to name them by, it is called NAME.<hex>.tmp instead, which only a killed process leaves behind.
  enum class Unfinished : std::uint8_t { kNameless, kTemporaryName };

  // A path that must be free; "-" or empty: standard output. Failures name the file.
  static Outcome<ByteSink> Open(const std::string& path, Unfinished unfinished = Unfinished::kNameless);
  ~ByteSink();
  ByteSink(ByteSink&&) noexcept;
  ByteSink& operator=(ByteSink&&) noexcept;

  // Whole records only: a reader of standard output may stop behind any of them.
  Outcome<void> Write(std::string_view text);
  // Makes a file survive a power cut and gives it its name; fails when that was taken meanwhile. Once, at the end.
  Outcome<void> Finish();
  bool is_file() const { return file_ != nullptr; }

 private:
  class File;
  explicit ByteSink(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;  // none: standard output
};

}  // namespace coffer::cli
