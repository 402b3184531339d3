// What well-known secrets look like in a text. It takes time linear in the text; a placeholder ("${PASSWORD}",
// "<password>", "***", "xxxxx") is no secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace coffer::grafana {

enum class MisplacedKind : std::uint8_t {
  kUrlPassword,         // scheme://user:password@host, scheme://host/?password=... (sslpassword, passwd, pwd)
  kConnectionPassword,  // host=... password=..., Server=...;Pwd=..., AccountKey=..., user:password@tcp(host)/
  kNamedKey,            // a name that names a secret, with a value; no pattern of a text
  kPrivateKey,          // PEM, not encrypted: its first line, with base64 behind it
  kGrafanaToken,        // of a service account (glsa_), an access policy (glc_), an API key (eyJrIjoi)
  kGitHubToken,
  kAwsAccessKey,  // its id: AKIA or ASIA, and 16 characters of base32
  kSlackToken,    // or a webhook's URL
  kDiscordWebhook,
  kTelegramToken,  // of a bot
  kJsonWebToken,   // three parts of base64url with dots between them, the first two JSON objects
};
inline constexpr std::size_t kMisplacedKinds = 11;

// Calls back once for each kind that the text holds, but for kNamedKey.
void FindMisplaced(std::string_view text, const std::function<void(MisplacedKind)>& on_kind);

// False: FindMisplaced finds nothing in any string of this JSON text, which is taken as it is, with its escapes.
bool MayHoldMisplaced(std::string_view json);

}  // namespace coffer::grafana
