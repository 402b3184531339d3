#include "policy/jwks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "policy/internal/field_values.h"
#include "policy/internal/strict_json.h"

namespace coffer::policy {
namespace {

using nlohmann::json;

// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1.
constexpr std::array kSecretMembers = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

Status RefuseSecrets(const json& jwk, std::string_view type) {
  if (type == "oct") return Refused("is a symmetric key, which would let every reader of the key set make tokens");
  for (const char* const member : kSecretMembers) {
    if (jwk.contains(member)) {
      return Refused("holds a private key, which would let every reader of the key set make tokens");
    }
  }
  return {};
}

// What of the three a key is for by its type; nothing when it is another.
Result<std::optional<JwsAlgorithm>> AlgorithmOfType(const json& jwk, std::string_view type) {
  if (type == "RSA") return std::optional(JwsAlgorithm::kRs256);
  if (type != "EC" && type != "OKP") return std::optional<JwsAlgorithm>();
  const std::string* const curve = FindText(jwk, "crv");
  if (curve == nullptr) return Refused("has no crv that is a text");
  if (type == "EC" && *curve == "P-256") return std::optional(JwsAlgorithm::kEs256);
  if (type == "OKP" && *curve == "Ed25519") return std::optional(JwsAlgorithm::kEdDsa);
  return std::optional<JwsAlgorithm>();
}

// Whether the members about its purpose leave a key of this algorithm for us.
Result<bool> IsForUs(const json& jwk, JwsAlgorithm algorithm) {
  const std::string* const name = FindText(jwk, "alg");
  if (name == nullptr && jwk.contains("alg")) return Refused("has an alg that is no text");
  const std::optional<JwsAlgorithm> named = name == nullptr ? algorithm : ParseJwsAlgorithm(*name);
  if (named && *named != algorithm) return Refused("has an alg that belongs to another type of key");

  const std::string* const use = FindText(jwk, "use");
  if (use == nullptr && jwk.contains("use")) return Refused("has a use that is no text");

  const json* const operations = FindMember(jwk, "key_ops");
  if (operations != nullptr && !operations->is_array()) return Refused("has key_ops that are no list");
  return named && (use == nullptr || *use == "sig") &&
         (operations == nullptr ||
          std::find(operations->begin(), operations->end(), json("verify")) != operations->end());
}

Result<Bytes> BytesOf(const json& jwk, const char* member) {
  const std::string* const text = FindText(jwk, member);
  auto bytes = FromBase64Url(text == nullptr ? std::string_view() : *text);
  if (!bytes.ok() || bytes->empty()) {
    return Refused("needs each number of its key as base64url without padding").At(member);
  }
  return bytes;
}

Result<JwsPublicKey> ReadPublicKey(const json& jwk, JwsAlgorithm algorithm) {
  if (algorithm == JwsAlgorithm::kRs256) {
    COFFER_ASSIGN_OR_RETURN(const Bytes n, BytesOf(jwk, "n"));
    COFFER_ASSIGN_OR_RETURN(const Bytes e, BytesOf(jwk, "e"));
    return JwsPublicKey::FromRsa(n, e);
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes x, BytesOf(jwk, "x"));
  if (algorithm == JwsAlgorithm::kEdDsa) return JwsPublicKey::FromEd25519(x);
  COFFER_ASSIGN_OR_RETURN(const Bytes y, BytesOf(jwk, "y"));
  return JwsPublicKey::FromP256(x, y);
}

class KeySetReader {
 public:
  // One key of the list: into keys, or counted.
  Status Add(const json& jwk) {
    if (!jwk.is_object()) return Refused("is not a JSON object");
    const std::string* const type = FindText(jwk, "kty");
    if (type == nullptr) return Refused("has no kty that is a text");
    COFFER_TRY(RefuseSecrets(jwk, *type));
    const std::string* const key_id = FindText(jwk, "kid");
    if (key_id == nullptr || !IsVisibleAscii(*key_id, kMaxJwtKeyId)) {
      return Refused("needs a kid of 1 to 256 visible ASCII characters");
    }
    if (!key_ids_.insert(*key_id).second) return Refused("has the kid of a key before it");

    COFFER_ASSIGN_OR_RETURN(const std::optional<JwsAlgorithm> algorithm, AlgorithmOfType(jwk, *type));
    bool for_us = algorithm.has_value();
    if (for_us) {
      COFFER_ASSIGN_OR_RETURN(for_us, IsForUs(jwk, *algorithm));
    }
    if (!for_us) {
      ++skipped;
      return {};
    }
    COFFER_ASSIGN_OR_RETURN(JwsPublicKey key, ReadPublicKey(jwk, *algorithm));
    keys.emplace(*key_id, std::move(key));
    return {};
  }

  std::map<std::string, JwsPublicKey, std::less<>> keys;
  std::size_t skipped = 0;

 private:
  std::set<std::string> key_ids_;
};

}  // namespace

Result<Jwks> Jwks::Parse(std::string_view text) {
  if (text.size() > kMaxJwksBytes) {
    return Refused("the key set is longer than allowed, in bytes").WithLimit(kMaxJwksBytes);
  }
  COFFER_ASSIGN_OR_RETURN(const json document, ParseJsonObject(text, ErrorCode::kInvalidArgument));
  const json* const list = FindMember(document, "keys");
  if (list == nullptr || !list->is_array()) return Refused("the key set has no list of keys");
  if (list->size() > kMaxJwksKeys) return Refused("the key set has more keys than allowed").WithLimit(kMaxJwksKeys);
  KeySetReader reader;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Status added = reader.Add((*list)[i]);
    if (!added.ok()) return Error(added.error()).At("keys[" + std::to_string(i) + "]");
  }
  if (reader.keys.empty()) {
    return Refused("the key set has no RSA, P-256 or Ed25519 key for RS256, ES256 or EdDSA signatures");
  }
  return Jwks(std::move(reader.keys), reader.skipped);
}

const JwsPublicKey* Jwks::Find(std::string_view key_id) const {
  const auto found = keys_.find(key_id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace coffer::policy
