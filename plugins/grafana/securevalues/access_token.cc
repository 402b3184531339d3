#include "plugins/grafana/securevalues/access_token.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "crypto/hash.h"
#include "plugins/grafana/securevalues/secure_value.h"

namespace coffer::grafana {
namespace {

using nlohmann::json;

constexpr char kIssuer[] = "coffer";
constexpr char kSubjectPrefix[] = "access-policy:";

Error Refused(Literal message) { return {ErrorCode::kUnauthenticated, message}; }

std::string PartOf(const json& object) { return ToBase64Url(AsBytes(object.dump())); }

std::string HeaderFor(const Es256PrivateKey& key) {
  constexpr std::size_t kIdSize = 16;
  const Digest digest = Sha256({key.point()});
  return PartOf({{"alg", "ES256"}, {"kid", ToBase64Url(ByteView(digest).first(kIdSize))}, {"typ", "at+jwt"}});
}

const std::string* FindText(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

bool IsForUs(const json& claims) {
  const auto audience = claims.find("aud");
  const std::string* const issuer = FindText(claims, "iss");
  return issuer != nullptr && *issuer == kIssuer && audience != claims.end() && audience->is_array() &&
         std::find(audience->begin(), audience->end(), kSecretAudience) != audience->end();
}

// Of a token whose signature was verified.
Result<AccessClaims> ReadClaims(std::string_view text, std::int64_t now) {
  const json claims = json::parse(text, nullptr, false);
  if (!claims.is_object() || !IsForUs(claims)) return Refused("the access token is not for secret.grafana.app");
  const std::string* const identity = FindText(claims, "serviceIdentity");
  const std::string* const name = FindText(claims, "namespace");
  const auto expires = claims.find("exp");
  if (identity == nullptr || name == nullptr || expires == claims.end() || !expires->is_number_integer()) {
    return Refused("the access token lacks a claim");
  }
  AccessClaims read{.identity = *identity, .namespace_name = *name, .expires_at_s = expires->get<std::int64_t>()};
  if (now >= read.expires_at_s) return Refused("the access token has expired");
  return read;
}

Result<SecretBytes> MakeKeyIn(VaultPort& vault, const SecretPath& path) {
  const SecretBytes made = Es256PrivateKey::Generate().Scalar();
  const auto put = vault.Put(path, made, 0);
  // Lost against another one that starts: the winner's key is the key.
  if (!put.ok() && put.error().code() != ErrorCode::kConflict) return put.error();
  COFFER_ASSIGN_OR_RETURN(StoredSecret stored, vault.Get(SecretReference{path, std::nullopt}));
  return std::move(stored.value);
}

}  // namespace

bool AccessClaims::Covers(std::string_view name) const {
  return namespace_name == kAllNamespaces || namespace_name == name;
}

AccessTokens::AccessTokens(Es256PrivateKey key) : key_(std::move(key)), header_(HeaderFor(key_)) {}

std::string AccessTokens::Issue(const AccessClaims& claims, std::int64_t now_unix_s) const {
  const json body = {{"iss", kIssuer},
                     {"sub", kSubjectPrefix + claims.identity},
                     {"aud", json::array({kSecretAudience})},
                     {"iat", now_unix_s},
                     {"exp", claims.expires_at_s},
                     {"namespace", claims.namespace_name},
                     {"serviceIdentity", claims.identity}};
  const std::string text = header_ + "." + PartOf(body);
  return text + "." + ToBase64Url(key_.Sign(AsBytes(text)));
}

Result<AccessClaims> AccessTokens::Verify(std::string_view token, std::int64_t now_unix_s) const {
  if (token.size() > kMaxAccessToken) return Refused("the access token is longer than allowed, in bytes");
  const std::size_t last = token.rfind('.');
  // Nothing of a header is read: it is ours or it is not.
  if (last == std::string_view::npos || last <= header_.size() || !token.starts_with(header_) ||
      token[header_.size()] != '.') {
    return Refused("the access token is not one of this service's");
  }
  const auto signature = FromBase64Url(token.substr(last + 1));
  if (!signature.ok() || !key_.public_key().Verify(AsBytes(token.substr(0, last)), *signature)) {
    return Refused("the access token's signature is not this service's");
  }
  const auto claims = FromBase64Url(token.substr(header_.size() + 1, last - header_.size() - 1));
  if (!claims.ok()) return Refused("the access token is not one of this service's");
  return ReadClaims(AsText(*claims), now_unix_s);
}

Result<Es256PrivateKey> FetchAccessTokenKey(VaultPort& vault, const SecretPath& path) {
  Result<SecretBytes> stored = SecretBytes();
  if (auto there = vault.Get(SecretReference{path, std::nullopt}); there.ok()) {
    stored = std::move(there->value);
  } else if (there.error().code() == ErrorCode::kNotFound) {
    stored = MakeKeyIn(vault, path);
  } else {
    stored = std::move(there).error();
  }
  if (!stored.ok()) return std::move(stored).error().At(path.text());
  auto key = Es256PrivateKey::FromScalar(*stored);
  if (!key.ok()) return Error(ErrorCode::kIntegrity, "is no key for access tokens").At(path.text());
  return key;
}

}  // namespace coffer::grafana
