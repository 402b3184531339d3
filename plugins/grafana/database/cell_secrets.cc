#include "plugins/grafana/database/cell_secrets.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "crypto/base64.h"
#include "plugins/grafana/database/characters.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kSecureSettings = "secureSettings";
constexpr std::string_view kExtraConfiguration = "alertmanager_config";
// Base64 of the shortest blob, a salt and an IV.
constexpr std::size_t kShortestBase64 = 32;
constexpr std::size_t kBase64Group = 4;

// With padding or without.
std::optional<Bytes> FromAnyBase64(std::string_view text) {
  std::string padded(text);
  if (!padded.ends_with('=')) padded.append((kBase64Group - padded.size() % kBase64Group) % kBase64Group, '=');
  auto bytes = FromBase64(padded);
  if (!bytes.ok()) return std::nullopt;
  return std::move(bytes).value();
}

// "#...#" or "*...*" at the start: what was a blob, whatever became of the rest.
bool HasBlobMark(ByteView bytes) {
  constexpr std::size_t kLongestName = SecretBlob::kMaxDataKeyId * 4 / 3 + 4;
  const std::string_view text = AsText(bytes).substr(0, kLongestName);
  if (text.empty() || (text.front() != '#' && text.front() != '*')) return false;
  return text.find(text.front(), 1) != std::string_view::npos;
}

// "*aes-...*", in base64. It may be all that was left, and then it is text.
bool NamesCipher(ByteView bytes) {
  constexpr std::string_view kStart = "*YWVzL";
  constexpr std::size_t kFarthest = SecretBlob::kMaxDataKeyId * 2;
  return AsText(bytes).substr(0, kFarthest).find(kStart) != std::string_view::npos;
}

bool NamesItself(const SecretBlob& blob) { return blob.names_cipher || blob.data_key.has_value(); }

CellSecret Plaintext(std::string_view path, std::string_view value) {
  return {path, SecretForm::kPlaintext, AsBytes(value)};
}

// A value in base64, or not.
void ReadBase64(std::string_view path, std::string_view value, const OnCellSecret& on_secret) {
  const std::string_view text = Trimmed(value);
  if (text.empty() || IsPlaceholder(text)) return;
  const std::optional<Bytes> decoded = FromAnyBase64(text);
  const ByteView bytes = decoded ? ByteView(*decoded) : AsBytes(value);
  const bool has_size = text.size() >= kShortestBase64;
  if (HasBlobMark(bytes) && (NamesCipher(bytes) || (has_size && !IsPrintableText(AsText(bytes))))) {
    const bool whole = SecretBlob::Parse(bytes).ok();
    return on_secret({path, whole ? SecretForm::kBlob : SecretForm::kUnreadable, bytes});
  }
  if (!decoded || !has_size) return on_secret(Plaintext(path, value));
  if (IsPrintableText(AsText(bytes))) return on_secret({path, SecretForm::kPlaintext, bytes});
  if (SecretBlob::Parse(bytes).ok()) return on_secret({path, SecretForm::kBlob, bytes});
  on_secret(Plaintext(path, value));
}

// Bytes that should be a blob.
void ReadBlob(ByteView cell, const OnCellSecret& on_secret) {
  const auto blob = SecretBlob::Parse(cell);
  if (blob.ok() && NamesItself(*blob)) return on_secret({{}, SecretForm::kBlob, cell});
  if (IsPrintableText(AsText(cell))) return ReadBase64({}, AsText(cell), on_secret);
  on_secret({{}, blob.ok() ? SecretForm::kBlob : SecretForm::kUnreadable, cell});
}

bool ContainsWord(std::string_view name, std::string_view word) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::search(name.begin(), name.end(), word.begin(), word.end(), same) != name.end();
}

// The keys whose values Grafana encrypts in its single sign-on settings (IsSecretField).
bool IsSsoSecret(std::string_view key) {
  constexpr std::array<std::string_view, 5> kWords = {"secret", "private", "certificate", "password", "client_key"};
  return std::any_of(kWords.begin(), kWords.end(), [key](std::string_view word) { return ContainsWord(key, word); });
}

// A leaf for which IsSecretLeaf holds.
void ReadLeaf(CellEncoding encoding, const JsonLeaf& leaf, const OnCellSecret& on_secret) {
  if (!leaf.is_string) return on_secret({leaf.path, SecretForm::kUnreadable, {}});
  std::string_view value = leaf.text;
  if (IsExtraConfiguration(encoding, leaf)) {
    if (!value.empty() && !value.starts_with(kExtraPrefix)) return on_secret(Plaintext(leaf.path, value));
    value.remove_prefix(std::min(value.size(), kExtraPrefix.size()));
  }
  // Some releases keep the path of a file there.
  if (encoding == CellEncoding::kSsoJson && leaf.key.ends_with("_path") && value.starts_with('/') &&
      !FromAnyBase64(value))
    return;
  ReadBase64(leaf.path, value, on_secret);
}

void ReadJson(CellEncoding encoding, ByteView cell, const OnCellSecret& on_secret) {
  const Status read = ForEachJsonLeaf(AsText(cell), [encoding, &on_secret](const JsonLeaf& leaf) {
    if (IsSecretLeaf(encoding, leaf)) ReadLeaf(encoding, leaf, on_secret);
  });
  if (!read.ok()) on_secret({{}, SecretForm::kUnreadable, {}});
}

}  // namespace

bool IsSecretLeaf(CellEncoding encoding, const JsonLeaf& leaf) {
  switch (encoding) {
    case CellEncoding::kJsonMap:
      return true;
    case CellEncoding::kAlertingJson:
      return leaf.parent == kSecureSettings || (leaf.is_string && leaf.key == kExtraConfiguration);
    case CellEncoding::kSsoJson:
      return leaf.is_string && IsSsoSecret(leaf.key);
    case CellEncoding::kResourceJson:
      return leaf.key == "encryptedToken" || leaf.key == "encryptedSecret";
    default:
      return false;
  }
}

bool IsExtraConfiguration(CellEncoding encoding, const JsonLeaf& leaf) {
  return encoding == CellEncoding::kAlertingJson && leaf.key == kExtraConfiguration && leaf.parent != kSecureSettings;
}

bool IsPlaceholder(std::string_view value) {
  constexpr std::array<std::string_view, 5> kReferences = {"$__file{", "$__env{", "$__vault{", "${", "coffer://"};
  if (value == "[REDACTED]" || value == "<secret>") return true;
  if (!value.empty() && value.find_first_not_of('*') == std::string_view::npos) return true;
  return std::any_of(kReferences.begin(), kReferences.end(),
                     [value](std::string_view start) { return value.starts_with(start); });
}

bool IsPrintableText(std::string_view text) {
  const bool controls = std::any_of(text.begin(), text.end(), [](char c) { return IsControl(c) && !IsSpace(c); });
  return !controls && IsUtf8(text);
}

void ReadCell(CellEncoding encoding, ByteView cell, const OnCellSecret& on_secret) {
  if (cell.empty()) return;
  if (cell.size() > kMaxCell) return on_secret({{}, SecretForm::kUnreadable, {}});
  switch (encoding) {
    case CellEncoding::kBase64:
    case CellEncoding::kBase64Raw:
      return ReadBase64({}, AsText(cell), on_secret);
    case CellEncoding::kBlob:
    case CellEncoding::kManagerValue:
      return ReadBlob(cell, on_secret);
    case CellEncoding::kJsonMap:
    case CellEncoding::kAlertingJson:
    case CellEncoding::kSsoJson:
    case CellEncoding::kResourceJson:
      return ReadJson(encoding, cell, on_secret);
    case CellEncoding::kPlaintext:
    case CellEncoding::kPendingInvite:
      if (!IsPlaceholder(AsText(cell))) on_secret(Plaintext({}, AsText(cell)));
      return;
    default:
      return;
  }
}

}  // namespace coffer::grafana
