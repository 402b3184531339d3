#include "crypto/key_wrap.h"

#include <set>

#include <gtest/gtest.h>

#include "crypto/field_cipher.h"
#include "crypto/random.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

const StoreUuid kStore = TestUuid<StoreUuid>(1);
const KeyringUuid kKeyring = TestUuid<KeyringUuid>(2);
const TenantUuid kTenant = TestUuid<TenantUuid>(3);
constexpr KeyId kWrapping{100};
constexpr KeyId kInner{200};

SecretBytes WrappingKey() { return SecretOf(Bytes(32, std::byte{0x33})); }
SecretBytes InnerKey() { return SecretOf(Bytes(32, std::byte{0x44})); }

WrapContext DataKeyContext() {
  return WrapContext::DataKey(kStore, kKeyring, KeyVersion{5}, kInner, kTenant, KeyringPurpose::kEncrypt);
}

std::string Answer(const Result<SecretBytes>& result) {
  if (result.ok()) return "unwraps";
  return std::string(ErrorCodeName(result.error().code())) + ": " + result.error().ToString();
}
constexpr std::string_view kOneError = "decrypt_failed: the key does not unwrap here";

// Nothing when a field of the case is one that a strong type cannot hold.
std::optional<WrapContext> ContextOfCase(const Json& c) {
  const auto kind = c.at("kind").get<std::int64_t>();
  const auto version = c.at("version").get<std::int64_t>();
  const auto purpose = c.at("purpose").get<std::int64_t>();
  if (kind < 0 || kind > 255 || version < 0 || version > UINT32_MAX || purpose < 0 || purpose > 255)
    return std::nullopt;
  return WrapContext{UuidOfHex<StoreUuid>(c.at("store")),     static_cast<WrapKind>(kind),
                     UuidOfHex<KeyringUuid>(c.at("keyring")), KeyVersion{static_cast<std::uint32_t>(version)},
                     KeyId{U64Of(c.at("inner_key_id"))},      UuidOfHex<TenantUuid>(c.at("tenant")),
                     static_cast<std::uint8_t>(purpose)};
}

TEST(KeyWrapVectorsTest, PositivesUnwrapAndWrapAgain) {
  int count = 0;
  const Json file = LoadVectors("wrapped_key.json");
  for (const Json& c : file.at("positive")) {
    const SecretBytes wrapping = SecretOf(HexOf(c.at("wrapping_key")));
    const KeyId id{U64Of(c.at("wrapping_key_id"))};
    const WrapContext context = ContextOfCase(c).value();
    const auto key = UnwrapKey(wrapping, id, context, HexOf(c.at("wrapped")));
    ASSERT_TRUE(key.ok()) << c.at("name");
    EXPECT_EQ(ToHex(key->Expose(SecretAccess::kTest)), c.at("inner_key")) << c.at("name");
    const auto again = WrapKey(wrapping, id, context, *key);
    ASSERT_TRUE(again.ok()) << c.at("name");
    EXPECT_EQ(ToHex(ByteView(*again).first(10)), ToHex(ByteView(HexOf(c.at("wrapped"))).first(10)));
    EXPECT_TRUE(UnwrapKey(wrapping, id, context, *again).ok());
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(KeyWrapVectorsTest, NegativesFailWithOneError) {
  int count = 0;
  const Json file = LoadVectors("wrapped_key.json");
  for (const Json& c : file.at("negative")) {
    const auto context = ContextOfCase(c);
    if (!context) continue;
    EXPECT_EQ(Answer(UnwrapKey(SecretOf(HexOf(c.at("wrapping_key"))), KeyId{U64Of(c.at("wrapping_key_id"))}, *context,
                               HexOf(c.at("wrapped")))),
              kOneError)
        << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(KeyWrapTest, FactoriesFixWhatTheTableFixes) {
  const WrapContext kek = WrapContext::Kek(kStore, kKeyring, kInner);
  EXPECT_EQ(kek.kind, WrapKind::kKek);
  EXPECT_TRUE(kek.tenant.IsZero() && kek.version.value == 0 && kek.purpose == 0);
  const WrapContext slot = WrapContext::SealSlot(kStore, kInner);
  EXPECT_EQ(slot.kind, WrapKind::kSealSlot);
  EXPECT_TRUE(slot.keyring.IsZero() && slot.tenant.IsZero() && slot.version.value == 0 && slot.purpose == 0);
  for (const WrapContext& context : {kek, slot, DataKeyContext()}) {
    const auto wrapped = WrapKey(WrappingKey(), kWrapping, context, InnerKey());
    ASSERT_TRUE(wrapped.ok());
    EXPECT_EQ(Revealed(*UnwrapKey(WrappingKey(), kWrapping, context, *wrapped)), Revealed(InnerKey()));
  }
}

TEST(KeyWrapTest, WrappingTwiceGivesDifferentBytes) {
  std::set<WrappedKey> seen;
  for (int i = 0; i < 50; ++i) seen.insert(WrapKey(WrappingKey(), kWrapping, DataKeyContext(), InnerKey()).value());
  EXPECT_EQ(seen.size(), 50U);
}

TEST(KeyWrapTest, EveryBitFlipIsRefused) {
  WrappedKey wrapped = WrapKey(WrappingKey(), kWrapping, DataKeyContext(), InnerKey()).value();
  for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    wrapped[bit / 8] ^= mask;
    ASSERT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), wrapped)), kOneError) << bit;
    wrapped[bit / 8] ^= mask;
  }
  EXPECT_TRUE(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), wrapped).ok());
}

TEST(KeyWrapTest, EveryOtherSizeIsRefused) {
  Bytes wrapped = CopyOf(WrapKey(WrappingKey(), kWrapping, DataKeyContext(), InnerKey()).value());
  for (std::size_t size = 0; size < wrapped.size(); ++size) {
    EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), ByteView(wrapped).first(size))), kOneError)
        << size;
  }
  wrapped.push_back(std::byte{0});
  EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), wrapped)), kOneError);
}

TEST(KeyWrapTest, EveryPartOfTheContextIsBound) {
  const WrappedKey wrapped = WrapKey(WrappingKey(), kWrapping, DataKeyContext(), InnerKey()).value();
  const auto answer_with = [&wrapped](auto change) {
    WrapContext context = DataKeyContext();
    change(context);
    return Answer(UnwrapKey(WrappingKey(), kWrapping, context, wrapped));
  };
  EXPECT_EQ(answer_with([](WrapContext&) {}), "unwraps");
  EXPECT_EQ(answer_with([](WrapContext& c) { c.store = TestUuid<StoreUuid>(9); }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.keyring = TestUuid<KeyringUuid>(9); }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.version.value = 6; }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.inner.value = 201; }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.tenant = TestUuid<TenantUuid>(9); }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.tenant = {}; }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c.purpose = 3; }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c = WrapContext::Kek(kStore, kKeyring, kInner); }), kOneError);
  EXPECT_EQ(answer_with([](WrapContext& c) { c = WrapContext::SealSlot(kStore, kInner); }), kOneError);
  EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), KeyId{101}, DataKeyContext(), wrapped)), kOneError);
  EXPECT_EQ(Answer(UnwrapKey(InnerKey(), kWrapping, DataKeyContext(), wrapped)), kOneError);
}

TEST(KeyWrapTest, ContextsOutsideTheTableAreRefused) {
  const WrapContext kek = WrapContext::Kek(kStore, kKeyring, kInner);
  const WrapContext slot = WrapContext::SealSlot(kStore, kInner);
  const WrapContext data = DataKeyContext();
  std::vector<WrapContext> cases;
  const auto add = [&cases](WrapContext context, auto change) {
    change(context);
    cases.push_back(context);
  };
  add(kek, [](WrapContext& c) { c.version.value = 1; });
  add(kek, [](WrapContext& c) { c.tenant = kTenant; });
  add(kek, [](WrapContext& c) { c.purpose = 1; });
  add(kek, [](WrapContext& c) { c.keyring = {}; });
  add(kek, [](WrapContext& c) { c.inner = {}; });
  add(slot, [](WrapContext& c) { c.keyring = kKeyring; });
  add(slot, [](WrapContext& c) { c.version.value = 1; });
  add(slot, [](WrapContext& c) { c.tenant = kTenant; });
  add(slot, [](WrapContext& c) { c.purpose = 2; });
  add(data, [](WrapContext& c) { c.version = {}; });
  add(data, [](WrapContext& c) { c.keyring = {}; });
  add(data, [](WrapContext& c) { c.purpose = 0; });
  add(data, [](WrapContext& c) { c.purpose = 4; });
  add(data, [](WrapContext& c) { c.inner.value = std::uint64_t{1} << 63; });
  add(data, [](WrapContext& c) { c.kind = static_cast<WrapKind>(0); });
  add(data, [](WrapContext& c) { c.kind = static_cast<WrapKind>(5); });
  add(data, [](WrapContext& c) { c.kind = WrapKind::kCallerKey; });  // its inner id is not the wrapping key's
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(WrapKey(WrappingKey(), kWrapping, cases[i], InnerKey()).error().code(), ErrorCode::kInvalidArgument) << i;
    EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, cases[i], Bytes(kWrappedKeySize))), kOneError) << i;
  }
}

TEST(KeyWrapTest, GlobalTenantMayHaveADataKey) {
  WrapContext context = DataKeyContext();
  context.tenant = {};
  EXPECT_TRUE(WrapKey(WrappingKey(), kWrapping, context, InnerKey()).ok());
}

TEST(KeyWrapTest, KeysOfOtherSizesAndBadIdsAreRefused) {
  for (std::size_t size : {0U, 16U, 31U, 33U}) {
    EXPECT_EQ(WrapKey(SecretBytes(size), kWrapping, DataKeyContext(), InnerKey()).error().code(),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(WrapKey(WrappingKey(), kWrapping, DataKeyContext(), SecretBytes(size)).error().code(),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(UnwrapKey(SecretBytes(size), kWrapping, DataKeyContext(), Bytes(114)).error().code(),
              ErrorCode::kInvalidArgument);
  }
  for (std::uint64_t id : {std::uint64_t{0}, std::uint64_t{1} << 63}) {
    EXPECT_FALSE(WrapKey(WrappingKey(), KeyId{id}, DataKeyContext(), InnerKey()).ok());
  }
}

// A wrapped key is no field ciphertext and the other way round, whichever keys are used.
TEST(KeyWrapTest, BlobsOfOneKindFailAtTheOtherEndpoint) {
  const WrappedKey wrapped = WrapKey(WrappingKey(), kWrapping, DataKeyContext(), InnerKey()).value();
  const FieldForm form{Suite::kXaes256GcmCommitting, 0, false, false};
  const FieldCipher cipher = FieldCipher::Create(WrappingKey(), kWrapping, form, {{}, kTenant, {}}).value();
  EXPECT_EQ(cipher.Decrypt(wrapped, {}).error().code(), ErrorCode::kDecryptFailed);
  Bytes as_field = CopyOf(wrapped);
  FieldHeader{form.SecondByte(), kWrapping}.Write(MutableBytes(as_field).first(10));
  EXPECT_EQ(cipher.Decrypt(as_field, {}).error().code(), ErrorCode::kDecryptFailed);

  Bytes field(form.CiphertextSize(32));
  ASSERT_EQ(field.size(), kWrappedKeySize);
  ASSERT_TRUE(cipher.Encrypt(Bytes(32), {}, field).ok());
  EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), field)), kOneError);
  std::copy_n(wrapped.begin(), 10, field.begin());
  EXPECT_EQ(Answer(UnwrapKey(WrappingKey(), kWrapping, DataKeyContext(), field)), kOneError);
}

}  // namespace
}  // namespace coffer
