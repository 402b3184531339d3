#include "client/bearer_token.h"

#include <algorithm>
#include <filesystem>

#include "io/file.h"
#include "io/terminal.h"

namespace coffer::client {
namespace {

constexpr std::size_t kNewline = 2;     // bytes, at most
constexpr int kMaxReplacedMidway = 10;  // times that the file was replaced between its name and its content

bool IsVisible(std::byte c) { return c > std::byte{' '} && c <= std::byte{'~'}; }

Result<SecretBytes> ReadWhole(const std::string& path) {
  for (int attempt = 0;; ++attempt) {
    std::error_code none;
    const std::string target = std::filesystem::canonical(path, none).string();
    Result<SecretBytes> content =
        ReadSecretFile(none ? path : target, kMaxBearerToken + kNewline, SecretFileReaders::kGroupToo);
    const bool gone = !content.ok() && content.error().code() == ErrorCode::kNotFound;
    if (!gone || none || attempt == kMaxReplacedMidway) return content;
  }
}

}  // namespace

Result<SecretBytes> ReadBearerToken(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(SecretBytes content, ReadWhole(path));
  SecretBytes token = WithoutFinalNewline(std::move(content));
  const ByteView bytes = token.Expose(SecretAccess::kReply);
  if (token.empty() || token.size() > kMaxBearerToken || !std::all_of(bytes.begin(), bytes.end(), IsVisible)) {
    return Error(ErrorCode::kInvalidArgument, "must hold a bearer token and nothing else: one line without spaces")
        .At(path);
  }
  return token;
}

}  // namespace coffer::client
