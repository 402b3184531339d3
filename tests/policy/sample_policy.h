// A policy that uses every key, and the keys of its persons.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/note_key.h"

namespace coffer::policy {

// A person's key pair, always the same one for a name.
inline NoteSigner SampleSigner(std::string_view name) {
  const Digest digest = Sha256({AsBytes(name)});
  SecretBytes seed = SecretBytes::CopyOf(digest);
  return std::move(NoteSigner::Create(name, std::move(Ed25519PrivateKey::FromSeed(seed)).value())).value();
}
inline std::string SampleKey(std::string_view name) { return SampleSigner(name).verifier().ToText(); }

// `text` with each "@name@" as that person's key.
inline std::string WithKeys(std::string text) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    const std::size_t end = text.find('@', at + 1);
    const std::string key = SampleKey(std::string_view(text).substr(at + 1, end - at - 1));
    text.replace(at, end - at + 1, key);
    at += key.size();
  }
  return text;
}

// `text` with the first `from` in it, which has to be there, as `to`.
inline std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

inline constexpr std::string_view kSamplePersons = R"(
[person.alice]
key = "@alice@"
principals = ["unix:admin:1000", "spiffe://example.org/role/admin/alice"]
[person.bob]
key = "@bob@"
principals = ["unix:admin:1001", "unix:restorer:1001"]
[person.carol]
key = "@carol@"
principals = ["unix:admin:1002"]
[person.dave]
key = "@dave@"
principals = ["unix:auditor:1003"]
[person.erin]
key = "@erin@"
principals = ["unix:dba:1004"]
)";

inline constexpr std::string_view kSampleRules = R"(
[grant.orders]
roles = ["app"]
principals = ["spiffe://example.org/role/app/orders"]
operations = ["EncryptFields", "DecryptFields", "IndexTokens"]
fields = ["shop.user.email", "shop.card.number"]
classes = ["pii", "secret"]
keyrings = ["shop", "shop-pii"]
tenants = ["default", "north"]
purposes = ["checkout", "support"]
not_before = 2027-01-01T00:00:00Z
not_after = 2028-01-01T00:00:00Z
limits = { values_per_minute = 600, distinct_per_day = 10000, in_flight = 16 }
[grant.orders-writes]
roles = ["app"]
operations = ["EncryptFields"]
fields = "all"
classes = "all"
keyrings = "all"
tenants = ["default"]
[grant.secrets]
roles = ["app", "admin"]
operations = ["PutSecret", "ListSecrets"]
tenants = "all"
[grant.rotates]
roles = ["dba"]
operations = ["RotateKeyring", "RotateKek"]
keyrings = ["shop"]
principals = ["unix:dba:1004"]
not_after = 2028-06-01T00:00:00Z
standing = true
[grant.rotates-all]
roles = ["dba"]
operations = ["RotateKeyring"]
keyrings = "all"
approvals = { count = 2, roles = ["admin"] }
[grant.looks]
roles = ["dba", "auditor", "admin"]
operations = ["GetKeyring", "ListKeyrings"]
keyrings = "all"
[grant.destroys]
roles = ["admin"]
operations = ["ScheduleDestroy"]
keyrings = "all"
approvals = { count = 1, roles = ["admin", "auditor"], minutes = 30 }
[forbid.card-numbers]
roles = ["app"]
operations = ["DecryptFields"]
fields = ["shop.card.number"]
classes = "all"
keyrings = "all"
tenants = ["north"]
[forbid.freeze]
roles = ["dba"]
operations = ["RotateKeyring", "RotateKek", "RewrapFields"]
fields = "all"
classes = "all"
keyrings = "all"
tenants = "all"
not_before = 2027-12-20T00:00:00Z
not_after = 2028-01-03T00:00:00Z
)";

inline constexpr std::string_view kSampleBesides = R"(
[recovered.orders]
of = "spiffe://example.org/role/app/orders"
as = ["spiffe://example.org/role/app/orders-2", "spiffe://example.org/role/app/orders-3"]
[break_glass]
key = "@glass@"
minutes = 30
roles = ["app"]
principals = ["spiffe://example.org/role/app/orders", "unix:app:1009"]
operations = ["DecryptFields"]
fields = ["shop.card.number"]
classes = "all"
keyrings = "all"
tenants = ["default", "north"]
limits = { values_per_minute = 10 }
)";

inline std::string SamplePolicy() {
  return WithKeys("serial = 3\nadmin_signatures = 2\n" + std::string(kSamplePersons) + std::string(kSampleRules) +
                  std::string(kSampleBesides));
}

// For 30 days from kSampleIssuedAt at most.
inline constexpr std::int64_t kSampleIssuedAt = 1'811'808'000;  // 2027-06-01
inline constexpr std::string_view kSampleIssuedGrant = R"([grant.issued-support]
roles = ["app"]
principals = ["spiffe://example.org/role/app/support"]
operations = ["DecryptFields"]
fields = ["shop.user.email"]
classes = ["pii"]
keyrings = "all"
tenants = ["default"]
purposes = ["support"]
not_after = 2027-06-08T00:00:00Z
limits = { values_per_minute = 10 }
)";

}  // namespace coffer::policy
