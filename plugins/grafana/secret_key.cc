#include "plugins/grafana/secret_key.h"

#include <algorithm>
#include <array>

#include "crypto/random.h"
#include "crypto/secret_equality.h"
#include "plugins/grafana/default_secret_key.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kMadeLength = 40;
constexpr std::size_t kMaxLength = 1024;

bool IsPrintable(char c) { return c >= 0x20 && c < 0x7F; }

}  // namespace

SecretPath KeyPath(GrafanaKey key) {
  const bool security = key == GrafanaKey::kSecurity;
  return SecretPath::Parse(security ? "grafana/secret_key" : "grafana/secrets_manager_secret_key").value();
}

std::string_view KeyVariable(GrafanaKey key) {
  return key == GrafanaKey::kSecurity ? "GF_SECURITY_SECRET_KEY"
                                      : "GF_SECRETS_MANAGER_ENCRYPTION_SECRET_KEY_V1_SECRET_KEY";
}

SecretBytes MakeSecretKey() {
  constexpr unsigned kFair =
      256 / kAlphabet.size() * kAlphabet.size();  // Bytes from here on would favour some letters.
  SecretBytes key(kMadeLength);
  MutableBytes rest = key.ExposeMutable(SecretAccess::kCipher);
  while (!rest.empty()) {
    std::array<std::byte, 1> random{};
    FillRandom(random);
    const auto drawn = std::to_integer<unsigned>(random[0]);
    if (drawn >= kFair) continue;
    rest.front() = static_cast<std::byte>(kAlphabet[drawn % kAlphabet.size()]);
    rest = rest.subspan(1);
  }
  return key;
}

Status CheckSecretKey(const SecretBytes& key) {
  const std::string_view text = AsText(key.Expose(SecretAccess::kCipher));
  if (text == kDefaultSecretKey) {
    return Error(ErrorCode::kInvalidArgument,
                 "the key is the public default of Grafana's defaults.ini, which protects nothing: coffer grafana "
                 "rotate-secret-key gives a database another one");
  }
  if (text.empty()) return Error(ErrorCode::kInvalidArgument, "the key is empty");
  if (text.size() > kMaxLength) {
    return Error(ErrorCode::kInvalidArgument, "the key is longer than allowed, in bytes").WithLimit(kMaxLength);
  }
  const bool changed = text.front() == ' ' || text.back() == ' ' || text.find('$') != std::string_view::npos ||
                       text.find("%(") != std::string_view::npos || !std::all_of(text.begin(), text.end(), IsPrintable);
  if (changed) {
    return Error(
        ErrorCode::kInvalidArgument,
        "the key has characters that Grafana would change: '$', '%(', controls, non-ASCII, spaces at the ends");
  }
  return {};
}

Result<SecretBytes> FetchSecretKey(VaultPort& vault, GrafanaKey key, bool make_missing) {
  const SecretPath path = KeyPath(key);
  auto stored = vault.Get(SecretReference{path, std::nullopt});
  if (!stored.ok() && stored.error().code() == ErrorCode::kNotFound && make_missing) {
    auto put = vault.Put(path, MakeSecretKey(), 0);
    // Lost against another starter: the winner's key is the key.
    if (!put.ok() && put.error().code() != ErrorCode::kConflict) return Error(std::move(put).error()).At(path.text());
    stored = vault.Get(SecretReference{path, std::nullopt});
  }
  if (!stored.ok()) return Error(std::move(stored).error()).At(path.text());
  auto usable = CheckSecretKey(stored->value);
  if (!usable.ok()) return Error(std::move(usable).error()).At(path.text());
  return std::move(stored->value);
}

Status ImportSecretKey(VaultPort& vault, GrafanaKey key, const SecretBytes& value) {
  COFFER_TRY(CheckSecretKey(value));
  const SecretPath path = KeyPath(key);
  auto stored = vault.Get(SecretReference{path, std::nullopt});
  if (stored.ok()) {
    if (EqualConstantTime(stored->value, value)) return {};
    return Error(ErrorCode::kAlreadyExists, "the vault holds another key under this path, and something may need it")
        .At(path.text());
  }
  if (stored.error().code() != ErrorCode::kNotFound) return std::move(stored).error();
  auto put = vault.Put(path, value, 0);
  if (!put.ok()) return Error(std::move(put).error()).At(path.text());
  return {};
}

}  // namespace coffer::grafana
