// Replays a corpus: runs the fuzz target once over each file of a directory. Stands in for libFuzzer in ordinary
// builds, so that whatever fuzzing has found stays found. An empty or missing directory is a failure.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> ListFiles(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error)) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::optional<std::vector<uint8_t>> ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) return std::nullopt;
  return bytes;
}

// Each input lives in a heap block of exactly its size, so that the address sanitizer sees one byte too many.
bool ReplayOne(const fs::path& path) {
  std::optional<std::vector<uint8_t>> bytes = ReadFile(path);
  if (!bytes) {
    std::cerr << path.string() << ": not readable\n";
    return false;
  }
  bytes->shrink_to_fit();
  LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " CORPUS_DIRECTORY\n";
    return 2;
  }
  const std::vector<fs::path> files = ListFiles(argv[1]);
  if (files.empty()) {
    std::cerr << argv[1] << ": no corpus files there\n";
    return 1;
  }
  for (const fs::path& file : files) {
    if (!ReplayOne(file)) return 1;
  }
  std::cout << "replayed " << files.size() << " corpus files\n";
  return 0;
}
