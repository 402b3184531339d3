#include "io/private_dir.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

#include "crypto/random.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/internal/tree_remover.h"
#include "io/system_error.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxName = 255;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool IsNamePart(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && std::all_of(part.begin(), part.end(), IsNameCharacter);
}

bool IsName(std::string_view name) {
  if (name.size() > kMaxName) return false;
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!IsNamePart(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<PrivateDir> PrivateDir::Make(const std::string& runtime_dir) {
  const std::array<std::string, 3> candidates = {runtime_dir, "/run", "/dev/shm"};
  return MakeIn(candidates);
}

Result<PrivateDir> PrivateDir::MakeIn(std::span<const std::string> candidates) {
  std::array<std::byte, 16> random{};
  FillRandom(random);
  for (const std::string& candidate : candidates) {
    const auto memory_backed = candidate.empty() ? Result<bool>(false) : IsMemoryBacked(candidate);
    if (!memory_backed.ok() || !*memory_backed) continue;
    std::string path = candidate + "/coffer-" + ToHex(random);
    // Random and 128 bits long: a name that is taken is no accident, and not ours.
    const auto taken = Exists(path);
    if (!taken.ok() || *taken) continue;
    if (MakeDirectory(path, 0700).ok()) return PrivateDir(std::move(path));
  }
  return Error(
      ErrorCode::kFailedPrecondition,
      "no folder in memory was found for secrets: mount a tmpfs at /run or /dev/shm, or set XDG_RUNTIME_DIR to one");
}

PrivateDir::~PrivateDir() {
  // A destructor has nobody to tell; who must know calls Wipe.
  static_cast<void>(Wipe());
}

PrivateDir::PrivateDir(PrivateDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }

PrivateDir& PrivateDir::operator=(PrivateDir&& other) noexcept {
  if (this != &other) {
    static_cast<void>(Wipe());
    path_ = std::move(other.path_);
    other.path_.clear();
  }
  return *this;
}

Result<std::string> PrivateDir::PathOf(std::string_view name) const {
  if (path_.empty()) return Error(ErrorCode::kFailedPrecondition, "the private folder was wiped");
  if (!IsName(name)) {
    return Error(ErrorCode::kInvalidArgument,
                 "is not a name: parts of letters, digits, '.', '_' and '-' with '/' between")
        .At(name);
  }
  return path_ + "/" + std::string(name);
}

Result<std::string> PrivateDir::WriteSecret(std::string_view name, const SecretBytes& content, mode_t mode) {
  COFFER_ASSIGN_OR_RETURN(std::string path, PathOf(name));
  COFFER_TRY(CreateFileDurably(path, content, mode));
  return path;
}

Result<std::string> PrivateDir::MakeSubfolder(std::string_view name) {
  COFFER_ASSIGN_OR_RETURN(std::string path, PathOf(name));
  COFFER_TRY(MakeDirectory(path, 0700));
  return path;
}

Status PrivateDir::ReplaceSubfolder(std::string_view current, std::string_view fresh) {
  COFFER_ASSIGN_OR_RETURN(const std::string in_place, PathOf(current));
  COFFER_ASSIGN_OR_RETURN(const std::string next, PathOf(fresh));
  if (renameat2(AT_FDCWD, next.c_str(), AT_FDCWD, in_place.c_str(), RENAME_EXCHANGE) != 0) {
    return SystemError(errno).At(current);
  }
  return WipeSubfolder(fresh);
}

Status PrivateDir::WipeSubfolder(std::string_view name) {
  COFFER_ASSIGN_OR_RETURN(const std::string path, PathOf(name));
  return internal::TreeRemover(internal::Overwrite::kZeros).Remove(path);
}

Status PrivateDir::Wipe() {
  if (path_.empty()) return {};
  Status removed = internal::TreeRemover(internal::Overwrite::kZeros).Remove(path_);
  if (removed.ok()) path_.clear();
  return removed;
}

}  // namespace coffer
