#include "cli/operator_seal.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "cli/checks.h"
#include "cli/secret_input.h"
#include "client/wipe_message.h"
#include "crypto/share.h"

namespace coffer::cli {
namespace {

std::optional<std::uint32_t> NumberOf(std::string_view text) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

// "3/5".
std::optional<v1::NewShares> SharesOf(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint32_t> threshold = NumberOf(text.substr(0, slash));
  const std::optional<std::uint32_t> count = NumberOf(text.substr(slash + 1));
  const bool fits = threshold && count && *threshold >= kMinShareThreshold && *threshold <= *count;
  if (!fits || *count > kMaxShares) return std::nullopt;
  v1::NewShares shares;
  shares.set_threshold(*threshold);
  shares.set_count(*count);
  return shares;
}

using Options = std::vector<CLI::Option*>;

Options AddSealOptions(CLI::App& command, SealOptions& options) {
  CLI::Option* const key_file =
      command.add_option("--key-file", options.key_file, "Key file on the service's host")->type_name("FILE");
  CLI::Option* const prompt =
      command.add_flag("--passphrase", options.passphrase, "Ask for a passphrase on the terminal");
  CLI::Option* const file = command.add_option("--passphrase-file", options.passphrase_file,
                                               "Read a passphrase from a file, - for standard input");
  file->type_name("FILE");
  CLI::Option* const pkcs11 = command.add_flag("--pkcs11", options.pkcs11, "The service's configured PKCS#11 token");
  CLI::Option* const program = command.add_flag("--command", options.command, "The service's configured seal command");
  command
      .add_option("--pin-file", options.pin_file,
                  "The token's PIN from a file, - for standard input; else the service's own PIN file")
      ->type_name("FILE")
      ->needs(pkcs11);
  prompt->excludes(file);
  return {key_file, prompt, file, pkcs11, program};
}

void ExcludeEachOther(const Options& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    for (std::size_t j = i + 1; j < options.size(); ++j) options[i]->excludes(options[j]);
  }
}

Outcome<void> FillPin(const std::string& file, v1::Pkcs11Seal& seal) {
  if (file.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const SecretBytes pin, ReadPassphrase(file, false));
  AppendSecret(pin, *seal.mutable_pin());
  return {};
}

}  // namespace

void AddNewSealOptions(CLI::App& command, NewSealOptions& options, SealChoice choice) {
  Options all = AddSealOptions(command, options);
  all.push_back(
      command
          .add_option("--shares", options.shares, "Split the slot's key: how many shares open it, of how many, as 3/5")
          ->type_name("OPEN/ALL")
          ->check(Checked([](const std::string& text) {
            return SharesOf(text) ? "" : "must be two numbers as in 3/5, from 2/2 to 16/16";
          })));
  command
      .add_option("--shares-dir", options.shares_dir,
                  "Write the shares to files in this new or empty folder, 0600 each")
      ->type_name("DIR")
      ->needs(all.back());
  command.add_flag("--allow-same-device", options.allow_same_device, "Allow the key file beside the store")
      ->needs(all.front());
  if (choice == SealChoice::kOne) ExcludeEachOther(all);
}

void AddUnsealOptions(CLI::App& command, SealSourceOptions& options) {
  Options all = AddSealOptions(command, options);
  all.push_back(command.add_flag("--share", options.share, "Ask for one share, or take it from standard input"));
  all.push_back(
      command.add_option("--share-file", options.share_file, "Read one share from a file")->type_name("FILE"));
  all.push_back(command
                    .add_option("--recovery-identity", options.recovery_identity,
                                "Identity file of a recovery slot, read here; - is standard input")
                    ->type_name("FILE"));
  ExcludeEachOther(all);
}

void AddRecoverSealOptions(CLI::App& command, SealSourceOptions& options) {
  ExcludeEachOther(AddSealOptions(command, options));
  command
      .add_option("--recovery-identity", options.recovery_identity,
                  "Identity file that decrypts the backup, and opens a recovery slot unless another way is named")
      ->type_name("FILE");
  command.add_option("--share-file", options.share_files, "A custodian's share; named as often as shares are needed")
      ->type_name("FILE");
}

Outcome<void> CheckOneStandardInput(std::initializer_list<std::string_view> files) {
  if (std::count(files.begin(), files.end(), kStandardInput) <= 1) return {};
  return UsageFailure("standard input can be one thing only");
}

Outcome<std::vector<v1::NewSeal>> NewSealsOf(const NewSealOptions& options) {
  std::vector<v1::NewSeal> seals;
  if (!options.key_file.empty()) {
    v1::KeyFileSeal& seal = *seals.emplace_back().mutable_key_file();
    COFFER_ASSIGN_OR_RETURN(*seal.mutable_path(), AbsolutePath(options.key_file));
    seal.set_allow_same_device(options.allow_same_device);
  }
  if (options.asks_passphrase()) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes passphrase, ReadPassphrase(options.passphrase_file, true));
    AppendSecret(passphrase, *seals.emplace_back().mutable_passphrase());
  }
  if (!options.shares.empty()) *seals.emplace_back().mutable_shares() = SharesOf(options.shares).value();
  if (options.pkcs11) COFFER_TRY(FillPin(options.pin_file, *seals.emplace_back().mutable_pkcs11()));
  if (options.command) seals.emplace_back().mutable_command();
  return seals;
}

void WipeSeal(v1::NewSeal& seal) {
  if (seal.has_passphrase()) client::WipeMessageField(*seal.mutable_passphrase());
  if (seal.has_pkcs11()) client::WipeMessageField(*seal.mutable_pkcs11()->mutable_pin());
  if (seal.has_recovery()) client::WipeMessageField(*seal.mutable_recovery()->mutable_proof());
}

Outcome<v1::UnsealRequest> SealSourceOf(const SealSourceOptions& options) {
  v1::UnsealRequest source;
  if (!options.key_file.empty()) {
    COFFER_ASSIGN_OR_RETURN(*source.mutable_key_file_path(), AbsolutePath(options.key_file));
  } else if (options.asks_passphrase()) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes passphrase, ReadPassphrase(options.passphrase_file, false));
    AppendSecret(passphrase, *source.mutable_passphrase());
  } else if (options.pkcs11) {
    COFFER_TRY(FillPin(options.pin_file, *source.mutable_pkcs11()));
  } else if (options.command) {
    source.mutable_command();
  } else if (options.asks_share()) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes share, ReadValue(options.share_file, "Share: ", kMaxTypedShare));
    AppendSecret(share, *source.mutable_share());
  } else if (!options.recovery_identity.empty()) {
    COFFER_ASSIGN_OR_RETURN(const IdentityFile file, ReadIdentityFile(options.recovery_identity));
    AppendSecret(file.text, *source.mutable_recovery_identity());
  }
  return source;
}

void WipeSource(v1::UnsealRequest& source) {
  if (source.has_passphrase()) client::WipeMessageField(*source.mutable_passphrase());
  if (source.has_share()) client::WipeMessageField(*source.mutable_share());
  if (source.has_recovery_identity()) client::WipeMessageField(*source.mutable_recovery_identity());
  if (source.has_pkcs11()) client::WipeMessageField(*source.mutable_pkcs11()->mutable_pin());
}

Outcome<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return Failure(kExitFailed, "the current folder is gone");
  return absolute.lexically_normal().string();
}

}  // namespace coffer::cli
