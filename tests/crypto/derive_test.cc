#include "crypto/derive.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

std::string HexOfSecret(const SecretBytes& secret) { return ToHex(secret.Expose(SecretAccess::kTest)); }

Suite SuiteOf(const Json& inputs) { return static_cast<Suite>(inputs.at("suite").get<int>()); }

// What the codec's own functions derive for a case, or nothing for a label that no function has.
std::optional<std::string> DerivedByFunction(const Json& c) {
  const SecretBytes key = SecretOf(HexOf(c.at("key")));
  const Json& inputs = c.at("inputs");
  const auto label = c.at("label").get<std::string>();
  if (label == "enc" || label == "cmt") {
    const FieldKeys keys = DeriveFieldKeys(key, SuiteOf(inputs), UuidOfHex<TenantUuid>(inputs.at("tenant")),
                                           UuidOfHex<FieldUuid>(inputs.at("field")));
    return HexOfSecret(label == "enc" ? keys.encryption : keys.commitment);
  }
  if (label == "det") {
    return HexOfSecret(DeriveDeterministicKey(key, UuidOfHex<TenantUuid>(inputs.at("tenant")),
                                              UuidOfHex<FieldUuid>(inputs.at("field"))));
  }
  if (label == "dek") {
    return HexOfSecret(DeriveCallerKeyWrapping(key, UuidOfHex<TenantUuid>(inputs.at("tenant")),
                                               UuidOfHex<FieldUuid>(inputs.at("field"))));
  }
  if (label == "idx" || label == "pad" || label == "slw") {
    const IndexKeys keys =
        DeriveIndexKeys(key, UuidOfHex<TenantUuid>(inputs.at("tenant")),
                        UuidOfHex<IndexDomainUuid>(inputs.at("domain")), inputs.at("profile").get<std::uint32_t>());
    return HexOfSecret(label == "idx" ? keys.tokens : label == "pad" ? keys.pads : keys.slow_salt);
  }
  if (label == "wrap") return HexOfSecret(DeriveWrapKeys(key).encryption);
  if (label == "wcm") return HexOfSecret(DeriveWrapKeys(key).commitment);
  if (label == "kcv") return ToHex(DeriveKeyCheckValue(key));
  if (label == "meta" || label == "set") {
    const IntegrityKeys keys = DeriveIntegrityKeys(key, UuidOfHex<StoreUuid>(inputs.at("store")));
    return HexOfSecret(label == "meta" ? keys.rows : keys.head);
  }
  if (label == "ask") return HexOfSecret(DeriveRequestKey(key, UuidOfHex<StoreUuid>(inputs.at("store"))));
  return std::nullopt;
}

TEST(DeriveTest, MatchesTheVectors) {
  std::map<std::string, int> by_function;
  const Json file = LoadVectors("derive.json");
  for (const Json& c : file.at("positive")) {
    const Bytes salt(32);
    EXPECT_EQ(HexOfSecret(HkdfSha256(HexOf(c.at("key")), salt, HexOf(c.at("info")), c.at("length"))), c.at("output"))
        << c.at("name");
    if (const auto derived = DerivedByFunction(c)) {
      EXPECT_EQ(*derived, c.at("output")) << c.at("name");
      ++by_function[c.at("label").get<std::string>()];
    }
  }
  EXPECT_EQ(by_function.size(), 13U) << "every label that has a function has a vector";
}

TEST(DeriveTest, EveryLabelOfOneKeyDiffers) {
  const SecretBytes key = SecretOf(Bytes(32, std::byte{1}));
  const auto tenant = TestUuid<TenantUuid>(1);
  const auto field = TestUuid<FieldUuid>(2);
  std::set<std::string> outputs;
  std::size_t count = 0;
  const auto add = [&](const SecretBytes& output) {
    outputs.insert(HexOfSecret(output));
    ++count;
  };
  for (Suite suite : {Suite::kXaes256Gcm, Suite::kXaes256GcmCommitting}) {
    const FieldKeys keys = DeriveFieldKeys(key, suite, tenant, field);
    add(keys.encryption);
    add(keys.commitment);
  }
  add(DeriveDeterministicKey(key, tenant, field));
  add(DeriveCallerKeyWrapping(key, tenant, field));
  const IndexKeys index = DeriveIndexKeys(key, tenant, TestUuid<IndexDomainUuid>(2), 1);
  add(index.tokens);
  add(index.pads);
  add(index.slow_salt);
  const WrapKeys wrap = DeriveWrapKeys(key);
  add(wrap.encryption);
  add(wrap.commitment);
  const IntegrityKeys integrity = DeriveIntegrityKeys(key, TestUuid<StoreUuid>(1));
  add(integrity.rows);
  add(integrity.head);
  add(DeriveRequestKey(key, TestUuid<StoreUuid>(1)));
  add(SecretOf(DeriveKeyCheckValue(key)));
  EXPECT_EQ(outputs.size(), count);
}

TEST(DeriveTest, EveryInputOfAFieldKeyCounts) {
  const SecretBytes key = SecretOf(Bytes(32, std::byte{1}));
  const SecretBytes other = SecretOf(Bytes(32, std::byte{2}));
  std::set<std::string> outputs;
  std::size_t count = 0;
  for (const SecretBytes* k : {&key, &other}) {
    for (Suite suite : {Suite::kXaes256Gcm, Suite::kXaes256GcmCommitting}) {
      for (unsigned tenant : {0U, 1U, 2U}) {
        for (unsigned field : {0U, 1U, 2U}) {
          const FieldKeys keys = DeriveFieldKeys(*k, suite, TestUuid<TenantUuid>(tenant), TestUuid<FieldUuid>(field));
          outputs.insert(HexOfSecret(keys.encryption));
          outputs.insert(HexOfSecret(keys.commitment));
          count += 2;
        }
      }
    }
  }
  EXPECT_EQ(outputs.size(), count);
}

TEST(DeriveTest, EveryInputOfAnIndexKeyCounts) {
  const SecretBytes key = SecretOf(Bytes(32, std::byte{1}));
  std::set<std::string> outputs;
  std::size_t count = 0;
  for (unsigned tenant : {0U, 1U, 2U}) {
    for (unsigned domain : {0U, 1U, 2U}) {
      for (std::uint32_t profile : {1U, 2U, 256U, 0xFFFFFFFFU}) {
        const IndexKeys keys =
            DeriveIndexKeys(key, TestUuid<TenantUuid>(tenant), TestUuid<IndexDomainUuid>(domain), profile);
        for (const SecretBytes* each : {&keys.tokens, &keys.pads, &keys.slow_salt}) outputs.insert(HexOfSecret(*each));
        count += 3;
      }
    }
  }
  EXPECT_EQ(outputs.size(), count);
}

TEST(DeriveTest, IntegrityKeysDependOnTheStore) {
  const SecretBytes root = SecretOf(Bytes(32, std::byte{1}));
  const IntegrityKeys a = DeriveIntegrityKeys(root, TestUuid<StoreUuid>(1));
  const IntegrityKeys b = DeriveIntegrityKeys(root, TestUuid<StoreUuid>(2));
  EXPECT_NE(HexOfSecret(a.rows), HexOfSecret(b.rows));
  EXPECT_NE(HexOfSecret(a.head), HexOfSecret(b.head));
}

TEST(DeriveTest, SizesAreTheFormats) {
  const SecretBytes key = SecretOf(Bytes(32));
  EXPECT_EQ(DeriveFieldKeys(key, Suite::kXaes256Gcm, {}, {}).encryption.size(), 32U);
  EXPECT_EQ(DeriveFieldKeys(key, Suite::kXaes256Gcm, {}, {}).commitment.size(), 32U);
  EXPECT_EQ(DeriveDeterministicKey(key, {}, {}).size(), 64U);
  EXPECT_EQ(DeriveIndexKeys(key, {}, {}, 1).tokens.size(), 32U);
  EXPECT_EQ(DeriveIndexKeys(key, {}, {}, 1).slow_salt.size(), 16U);
  EXPECT_EQ(DeriveWrapKeys(key).encryption.size(), 32U);
  EXPECT_EQ(DeriveKeyCheckValue(key).size(), 16U);
}

}  // namespace
}  // namespace coffer
