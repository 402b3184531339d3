#include "cli/outcome.h"

namespace coffer::cli {
namespace {

std::string_view NextStep(const client::RpcError& error) {
  if (error.code == ErrorCode::kSealed)
    return "run `coffer operator unseal`, with --key-file or --passphrase when no key file is configured";
  if (!error.from_service && error.code == ErrorCode::kUnavailable) {
    return "start cofferd, or name the service with --server or COFFER_SERVER";
  }
  const bool by_policy = error.message.find("the policy does not allow") != std::string::npos;
  if (error.from_service && error.code == ErrorCode::kPermissionDenied && by_policy) {
    return "leave --role away to use the command's own role, or see --role";
  }
  const bool fresh_store = error.message.find("not initialised") != std::string::npos;
  if (error.code == ErrorCode::kFailedPrecondition && fresh_store)
    return "run `coffer operator init --key-file FILE`, or with --passphrase";
  if (error.code == ErrorCode::kUnauthenticated)
    return "use a role's own socket, or a certificate that the service knows";
  if (error.code == ErrorCode::kConflict) return "it changed in the meantime: read it again, then decide";
  return {};
}

int ExitCodeFor(ErrorCode code, bool from_service) {
  return code == ErrorCode::kInvalidArgument && !from_service ? kExitUsage : kExitFailed;
}

}  // namespace

Failure::Failure(const Error& error) : Failure(ExitCodeFor(error.code(), false), error.ToString()) {}

Failure::Failure(const client::RpcError& error)
    : Failure(ExitCodeFor(error.code, error.from_service), error.message, NextStep(error)) {}

}  // namespace coffer::cli
