// What locks and unlocks the root key, as options of commands and in messages.
#pragma once

#include "cli/recovery.h"
#include "cli/session.h"

namespace coffer::cli {

// Ways that both make a slot and open one.
struct SealOptions {
  std::string key_file;
  bool passphrase = false;
  std::string passphrase_file;
  bool pkcs11 = false;
  std::string pin_file;
  bool command = false;

  bool asks_passphrase() const { return passphrase || !passphrase_file.empty(); }
  bool any() const { return !key_file.empty() || asks_passphrase() || pkcs11 || command; }
};

// A slot to make.
struct NewSealOptions : SealOptions {
  bool allow_same_device = false;
  std::string shares;  // "3/5"; empty: none
  std::string shares_dir;

  bool any() const { return SealOptions::any() || !shares.empty(); }
};

// A slot to open. A recovery identity goes beside another way where a backup is decrypted with it.
struct SealSourceOptions : SealOptions {
  bool share = false;
  std::string share_file;
  std::vector<std::string> share_files;  // of a recovery
  std::string recovery_identity;

  bool asks_share() const { return share || !share_file.empty(); }
};

enum class SealChoice : std::uint8_t { kOne, kMany };

// With kOne each of them excludes the others.
void AddNewSealOptions(CLI::App& command, NewSealOptions& options, SealChoice choice);
// For unsealing: one of all ways.
void AddUnsealOptions(CLI::App& command, SealSourceOptions& options);
// For recovering: one of the ways but shares, and an identity.
void AddRecoverSealOptions(CLI::App& command, SealSourceOptions& options);

// A usage failure when standard input is asked for twice.
Outcome<void> CheckOneStandardInput(std::initializer_list<std::string_view> files);

// Reads the secrets that they need: a new passphrase is asked twice. In the order of the options.
Outcome<std::vector<v1::NewSeal>> NewSealsOf(const NewSealOptions& options);
void WipeSeal(v1::NewSeal& seal);

// The slot to open; unset when no option was given. The identity only when there is no other way.
Outcome<v1::UnsealRequest> SealSourceOf(const SealSourceOptions& options);
void WipeSource(v1::UnsealRequest& source);

// The service runs elsewhere in the file system, on the same host.
Outcome<std::string> AbsolutePath(const std::string& path);

}  // namespace coffer::cli
