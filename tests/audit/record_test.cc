#include "audit/record.h"

#include <gtest/gtest.h>

#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

constexpr std::int64_t kNovember = 1'795'250'000'000'000;  // 2026-11-21

AuditKey KeyOf(std::uint8_t byte) {
  return AuditKey::Create(SecretBytes::CopyOf(Bytes(32, static_cast<std::byte>(byte)))).value();
}

Record Full() {
  Record record;
  record.time_us = kNovember;
  for (std::size_t i = 0; i < record.id.size(); ++i) record.id[i] = static_cast<std::byte>(i + 1);
  record.type = RecordType::kResult;
  record.authentication = Authentication::kCertificate;
  record.role = "app";
  record.operation = "DecryptFields";
  record.object = "shop.user.email,shop.user.phone";
  record.tenant = "default";
  record.keys = {7, 1'000'000'007};
  record.items = 5;
  record.failed = 2;
  record.unmatched = 1;
  record.reasons = {{ItemReason::kUnknownKey, 1}, {ItemReason::kNotAuthentic, 1}};
  record.row_tags = {RowTag{std::byte{1}}, RowTag{std::byte{2}}};
  record.rows = Digest{std::byte{9}};
  record.purpose = "incident-4711";
  record.request_id = "req.1";
  record.allowed = true;
  record.rule = "app-uses-fields";
  record.policy_serial = 3;
  record.outcome = "ok";
  record.failure = "nothing";
  record.store = StoreUuid{{std::byte{0xAA}, std::byte{0xBB}}};
  record.store_epoch = 99;
  record.latency_us = 1'234;
  record.begin = 41;
  record.personal = {.principal = "spiffe://x/role/app/grafana",
                     .peer = "10.0.0.7",
                     .on_behalf_of = "user:5",
                     .reason = "the other one is ill"};
  return record;
}

Record WithoutPersonal(Record record) {
  record.personal = {};
  return record;
}

TEST(AuditRecordTest, ComesBackWhole) {
  const AuditKey key = KeyOf(1);
  const Bytes bytes = EncodeRecord(Full(), &key).value();
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
  EXPECT_EQ(decoded->record, WithoutPersonal(Full()));
  EXPECT_EQ(decoded->month, 202611u);
  const Result<Personal> personal = DecryptPersonal(*decoded, key);
  ASSERT_TRUE(personal.ok()) << personal.error().ToString();
  EXPECT_EQ(*personal, Full().personal);
}

TEST(AuditRecordTest, ComesBackWholeWhenAlmostEmpty) {
  Record record;
  record.time_us = kNovember;
  const Result<EncodedRecord> decoded = DecodeRecord(EncodeRecord(record, nullptr).value());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->record, record);
  EXPECT_TRUE(decoded->personal.empty());
}

// The page's worked example (docs/FORMAT.md section 11).
TEST(AuditRecordTest, HasTheBytesOfThePage) {
  Record record;
  record.time_us = kNovember;
  record.id = Full().id;
  record.authentication = Authentication::kUnixSocket;
  record.role = "app";
  record.operation = "DecryptFields";
  record.object = "shop.user.email";
  record.tenant = "default";
  record.items = 1;
  record.allowed = true;
  record.rule = "app-uses-fields";
  record.outcome = "ok";
  record.store = StoreUuid{record.id};
  record.store_epoch = 12;
  EXPECT_EQ(ToHex(EncodeRecord(record, nullptr).value()),
            "ae0001011b000660c53688740002500102030405060708090a0b0c0d0e0f10030104010563617070066d4465637279707446"
            "69656c6473076f73686f702e757365722e656d61696c086764656661756c740a830100000f83f56f6170702d757365732d66"
            "69656c64730010626f6b1282500102030405060708090a0b0c0d0e0f100c151a00031773");
}

TEST(AuditRecordTest, EachWayToBeKnownHasANameAndNoOtherNumberIsOne) {
  const std::pair<Authentication, std::string_view> names[] = {{Authentication::kNone, "none"},
                                                               {Authentication::kUnixSocket, "unix_socket"},
                                                               {Authentication::kCertificate, "certificate"},
                                                               {Authentication::kService, "service"},
                                                               {Authentication::kJwt, "jwt"},
                                                               {Authentication::kToken, "access_token"}};
  Record record = Full();
  for (const auto& [authentication, name] : names) {
    EXPECT_EQ(AuthenticationName(authentication), name);
    record.authentication = authentication;
    EXPECT_EQ(DecodeRecord(EncodeRecord(record, nullptr).value())->record.authentication, authentication) << name;
  }
  record.authentication = static_cast<Authentication>(std::size(names));
  EXPECT_FALSE(DecodeRecord(EncodeRecord(record, nullptr).value()).ok());
}

TEST(AuditRecordTest, TimeStandsWhereAWriterPutsItIn) {
  Record record = Full();
  Bytes bytes = EncodeRecord(record, nullptr).value();
  StoreU64(MutableBytes(bytes).subspan(kTimeOffset, 8), kNovember + 77);
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->record.time_us, kNovember + 77);
}

TEST(AuditRecordTest, PeopleAreNamedNowhereInTheBytes) {
  const AuditKey key = KeyOf(1);
  const Bytes bytes = EncodeRecord(Full(), &key).value();
  const std::string_view text = AsText(ByteView(bytes));
  for (const char* name : {"grafana", "10.0.0.7", "user:5", "ill"}) EXPECT_EQ(text.find(name), text.npos) << name;
}

TEST(AuditRecordTest, PersonalPartNeedsTheMonthsKeyAndItsOwnRecord) {
  const AuditKey key = KeyOf(1);
  EncodedRecord decoded = DecodeRecord(EncodeRecord(Full(), &key).value()).value();
  EXPECT_EQ(DecryptPersonal(decoded, KeyOf(2)).error().code(), ErrorCode::kDecryptFailed);
  decoded.record.id[0] ^= std::byte{1};
  EXPECT_EQ(DecryptPersonal(decoded, key).error().code(), ErrorCode::kDecryptFailed);
  decoded.record.id[0] ^= std::byte{1};
  decoded.personal.back() ^= std::byte{1};
  EXPECT_EQ(DecryptPersonal(decoded, key).error().code(), ErrorCode::kDecryptFailed);
  decoded.personal.resize(AuditKey::kOverhead - 1);
  EXPECT_EQ(DecryptPersonal(decoded, key).error().code(), ErrorCode::kDecryptFailed);
}

TEST(AuditRecordTest, NamesThatDoNotFitAreNoRecord) {
  Record record = Full();
  record.object = std::string(kMaxNamesBytes, 'a');
  record.tenant = std::string(kMaxNamesBytes, 'b');
  const Result<Bytes> bytes = EncodeRecord(record, nullptr);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(DecodeRecord(*bytes)->record.object, record.object);
  for (std::string* names : {&record.object, &record.tenant}) {
    *names += ',';
    EXPECT_EQ(EncodeRecord(record, nullptr).error().code(), ErrorCode::kInvalidArgument);
    names->pop_back();
  }
}

TEST(AuditRecordTest, KeysThatAreNotWrittenAreCounted) {
  Record record = Full();
  record.keys.assign(kMaxKeyIds, 5);
  EXPECT_EQ(DecodeRecord(EncodeRecord(record, nullptr).value())->record.more_keys, 0u);
  record.keys.push_back(6);
  const Bytes bytes = EncodeRecord(record, nullptr).value();
  const EncodedRecord decoded = DecodeRecord(bytes).value();
  EXPECT_EQ(decoded.record.more_keys, 1u);
  EXPECT_EQ(EncodeRecord(decoded.record, nullptr).value(), bytes) << "a record that was read is written the same";
  const std::string count = "9105050505050505050505050505050505";  // 17 numbers, 16 of them 5
  std::string hex = ToHex(bytes);
  ASSERT_NE(hex.find(count + "01"), std::string::npos);
  hex.replace(hex.find(count + "01"), count.size() + 2, count + "00");
  EXPECT_FALSE(DecodeRecord(FromHex(hex).value()).ok()) << "none more is not written";
}

TEST(AuditRecordTest, LongTextsAreCutAtACharacterAndLongListsAtTheirLimit) {
  Record record = Full();
  record.purpose = std::string(1'023, 'a') + "\xC3\xBC" + "bc";
  record.failure = std::string(5'000, 'f');
  record.keys.assign(100, 5);
  record.row_tags.assign(100, RowTag{});
  const AuditKey key = KeyOf(1);
  record.personal.principal = std::string(100'000, 'p');
  const Bytes bytes = EncodeRecord(record, &key).value();
  EXPECT_LE(bytes.size(), kMaxRecordBytes);
  const Result<EncodedRecord> decoded = DecodeRecord(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->record.purpose, std::string(1'023, 'a'));
  EXPECT_EQ(decoded->record.failure.size(), 1'024u);
  EXPECT_EQ(decoded->record.keys.size(), kMaxKeyIds);
  EXPECT_EQ(decoded->record.more_keys, 100 - kMaxKeyIds);
  EXPECT_EQ(decoded->record.row_tags.size(), kMaxRowTags);
  EXPECT_EQ(DecryptPersonal(*decoded, key)->principal.size(), 1'024u);
}

TEST(AuditRecordTest, NoChangedByteIsTakenForTheSameRecord) {
  const Bytes whole = EncodeRecord(WithoutPersonal(Full()), nullptr).value();
  const EncodedRecord original = DecodeRecord(whole).value();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      Bytes changed = whole;
      changed[at] ^= std::byte{1} << bit;
      const Result<EncodedRecord> decoded = DecodeRecord(changed);
      if (!decoded.ok()) continue;
      EXPECT_FALSE(decoded->record == original.record && decoded->month == original.month) << at;
    }
  }
}

TEST(AuditRecordTest, RefusesWhatIsNoRecord) {
  const Bytes whole = EncodeRecord(Full(), nullptr).value();
  EXPECT_FALSE(DecodeRecord({}).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(DecodeRecord(ByteView(whole).first(size)).error().code(), ErrorCode::kInvalidArgument) << size;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(DecodeRecord(longer).ok());
  struct Case {
    const char* what;
    const char* hex;
  };
  for (const Case& wrong :
       {Case{"an empty map", "a0"}, Case{"an array", "80"}, Case{"another version", "a10002"},
        Case{"keys out of order", "a201000001"}, Case{"an unknown key", "a1181700"}, Case{"a short id", "a10241ff"},
        Case{"an unknown type", "a1030b"}, Case{"an unknown way of authentication", "a10404"}}) {
    EXPECT_FALSE(DecodeRecord(FromHex(wrong.hex).value()).ok()) << wrong.what;
  }
}

TEST(AuditRecordTest, MonthsFollowTheCalendar) {
  EXPECT_EQ(MonthOf(0), 197001u);
  EXPECT_EQ(MonthOf(-5), 197001u);
  EXPECT_EQ(MonthOf(951'782'399'999'999), 200002u);  // 2000-02-28T23:59:59.999999
  EXPECT_EQ(MonthOf(951'868'800'000'000), 200003u);  // 2000-03-01
  EXPECT_EQ(MonthOf(951'868'799'999'999), 200002u);  // the leap day's end
  EXPECT_EQ(MonthOf(1'767'225'599'999'999), 202512u);
  EXPECT_EQ(MonthOf(1'767'225'600'000'000), 202601u);
  EXPECT_EQ(MonthOf(4'107'542'400'000'000), 210003u);  // 2100 has no leap day
}

TEST(AuditKeyTest, IsThirtyTwoBytes) {
  EXPECT_EQ(AuditKey::Create(SecretBytes(31)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(AuditKey::Create(SecretBytes()).error().code(), ErrorCode::kInvalidArgument);
}

TEST(AuditKeyTest, RowMacsDifferByKeyAndByRow) {
  const Bytes row{std::byte{1}};
  const Bytes other{std::byte{2}};
  EXPECT_EQ(KeyOf(1).RowMac(row).value(), KeyOf(1).RowMac(row).value());
  EXPECT_NE(KeyOf(1).RowMac(row).value(), KeyOf(1).RowMac(other).value());
  EXPECT_NE(KeyOf(1).RowMac(row).value(), KeyOf(2).RowMac(row).value());
}

TEST(AuditKeyTest, EqualTextsAreNotSeenAsEqual) {
  const AuditKey key = KeyOf(1);
  EXPECT_NE(key.Encrypt(AsBytes("a"), {}).value(), key.Encrypt(AsBytes("a"), {}).value());
}

}  // namespace
}  // namespace coffer::audit
