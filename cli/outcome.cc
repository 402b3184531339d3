#include "cli/outcome.h"

#include <algorithm>
#include <array>

namespace coffer::cli {
namespace {

// A part of the service's sentence, and what to do about it.
struct KnownSentence {
  std::string_view part;
  std::string_view next_step;
};

constexpr std::array<KnownSentence, 18> kKnown = {{
    {"the policy does not allow", "leave --role away to use the command's own role, or see --role"},
    {"no policy says yet who", "see \"Policies\" in docs/OPERATIONS.md: a first policy names at least two persons"},
    {"others have to approve this act", "say it again with --ask REASON, and have it approved"},
    {"there is none of this id that waits", "see `coffer approval list`, or ask again with --ask REASON"},
    {"not initialised",
     "run `coffer operator init --key-file FILE`, or bring a lost store back with `coffer operator restore`"},
    {"there is no keyring of this name", "see `coffer keyring list`, or make it with `coffer keyring create NAME`"},
    {"the keyring has no such version", "see `coffer keyring show NAME`"},
    {"there is no tenant of this name", "see `coffer tenant list`, or register it with `coffer tenant add NAME`"},
    {"there is no scope of this name", "see `coffer catalog show`, or apply its catalog with `coffer apply FILE`"},
    {"is not a field of an applied catalog", "see `coffer catalog show SCOPE`"},
    {"there is no secret at this path", "see `coffer secret list`; another tenant's are under --tenant"},
    {"the secret has no such version", "see `coffer secret history PATH`"},
    {"no grant of this name is in force", "see `coffer grant list`"},
    {"an emergency before was not reviewed yet",
     "see `coffer break-glass list`; an auditor reviews it with `coffer break-glass review ID TEXT`"},
    {"keeps nothing for an emergency", "see \"Emergencies\" in docs/OPERATIONS.md: a policy says what is kept for one"},
    {"the certificate is denied", "an administrator sees why with `coffer certificate list`"},
    {"this certificate is not denied", "see `coffer certificate list`"},
    {"there is no token of this id", "see `coffer token list`"},
}};

std::string_view NextStep(const client::RpcError& error) {
  if (error.code == ErrorCode::kSealed)
    return "run `coffer operator unseal`, with --key-file, --passphrase or --share when no key file is configured";
  if (!error.from_service && error.code == ErrorCode::kUnavailable) {
    return "start cofferd, or name the service with --server or COFFER_SERVER";
  }
  const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&error](const KnownSentence& sentence) {
    return error.message.find(sentence.part) != std::string::npos;
  });
  if (error.from_service && known != kKnown.end()) return known->next_step;
  if (error.code == ErrorCode::kUnauthenticated)
    return "use a role's own socket, a certificate or a token that the service knows";
  if (error.code == ErrorCode::kConflict) return "it changed in the meantime: read it again, then decide";
  return {};
}

int ExitCodeFor(ErrorCode code, bool from_service) {
  return code == ErrorCode::kInvalidArgument && !from_service ? kExitUsage : kExitFailed;
}

}  // namespace

Failure::Failure(const Error& error) : Failure(ExitCodeFor(error.code(), false), error.ToString()) {}

Failure::Failure(const client::RpcError& error)
    : Failure(ExitCodeFor(error.code, error.from_service), error.message, NextStep(error)) {
  asked = error.asked;
}

std::string ShownPath(std::string_view path) {
  constexpr std::string_view kCut = "...";
  std::string shown;
  if (path.size() > Error::kMaxPath) {
    // The name says more than the folders above it.
    path.remove_prefix(path.size() - (Error::kMaxPath - kCut.size()));
    shown = kCut;
  }
  shown += path;
  return Error(ErrorCode::kInternal, "").At(shown).path();
}

Failure FileFailure(std::string_view option, std::string_view path, const Error& error) {
  return Failure(kExitFailed, std::string(option) + ": " + ShownPath(path) + ": " + error.ToString());
}

}  // namespace coffer::cli
