#include "cli/operator_shares.h"

#include <unistd.h>

#include "cli/operator_seal.h"
#include "cli/printing.h"
#include "client/wipe_message.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr const char* kFolderOption = "--shares-dir";
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kSecretMode = 0600;

Outcome<void> PrepareFolder(const std::string& folder) {
  COFFER_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(folder));
  const Status made = MakeDirectory(path, kFolderMode);
  if (!made.ok()) return Failure(kExitFailed, std::string(kFolderOption) + ": " + made.error().ToString());
  const Result<std::vector<std::string>> names = ListDirectory(path, 1);
  const bool full = names.ok() ? !names->empty() : names.error().code() == ErrorCode::kInvalidArgument;
  if (full) return FileFailure(kFolderOption, folder, Error(ErrorCode::kAlreadyExists, "is not empty"));
  if (!names.ok()) return Failure(kExitFailed, std::string(kFolderOption) + ": " + names.error().ToString());
  return {};
}

Outcome<std::vector<std::string>> WriteShares(const std::string& folder, const ShareTexts& shares) {
  COFFER_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(folder));
  std::vector<std::string> files;
  const std::string of = "-of-" + std::to_string(shares.size()) + ".txt";
  for (int i = 0; i < shares.size(); ++i) {
    const std::string file = path + "/share-" + std::to_string(i + 1) + of;
    const Status made = CreateFileDurably(file, SecretBytes::Absorb(shares[i] + "\n"), kSecretMode);
    if (!made.ok()) {
      return Failure(kExitFailed, "the slot was made, but its shares cannot be written: " + made.error().ToString(),
                     "make other shares in its place, then remove that slot: coffer operator slots");
    }
    files.push_back(file);
  }
  return files;
}

Outcome<std::vector<std::string>> ShowShares(const ShareTexts& shares) {
  std::vector<std::string> no_files;
  if (shares.empty()) return no_files;
  const std::string of = " of " + std::to_string(shares.size());
  COFFER_TRY(Print("Shares are shown this once. Give one to each custodian, then clear the screen.\n"));
  for (int i = 0; i < shares.size(); ++i) {
    std::string block = "\nshare " + std::to_string(i + 1) + of + "\n\n  " + shares[i] + "\n";
    const Outcome<void> shown = Print(block);
    client::WipeMessageField(block);
    if (!shown.ok()) return shown.error();
  }
  COFFER_TRY(Print("\n"));
  return no_files;
}

}  // namespace

Outcome<void> PrepareForShares(const Session& session, const std::string& folder) {
  if (!folder.empty()) return PrepareFolder(folder);
  if (!session.json() && IsTerminal(STDOUT_FILENO)) return {};
  return UsageFailure("shares are shown on a terminal only: have them written to files with --shares-dir DIR");
}

Outcome<std::vector<std::string>> HandOutShares(const std::string& folder, ShareTexts& shares) {
  auto files = folder.empty() ? ShowShares(shares) : WriteShares(folder, shares);
  client::WipeMessageField(shares);
  return files;
}

}  // namespace coffer::cli
