#include "keysvc/store/records.h"

#include "crypto/age_keys.h"
#include "tests/keysvc/store/store_fixtures.h"

namespace coffer::keysvc {
namespace {

using testing::UuidNumber;

template <typename Id>
Id IdNumber(std::uint8_t number) {
  return Id{UuidNumber(number).bytes};
}

WrappedKey SampleWrapped() {
  WrappedKey wrapped;
  wrapped.fill(std::byte{0xc2});
  return wrapped;
}

KeyCheckValue SampleCheck() {
  KeyCheckValue check;
  check.fill(std::byte{0x77});
  return check;
}

const KeyringUuid kRing = IdNumber<KeyringUuid>(3);
const SecretUuid kSecret = IdNumber<SecretUuid>(5);

Row SampleRecord(Table table) {
  const TenantUuid tenant = IdNumber<TenantUuid>(4);
  Argon2Params argon;
  argon.salt.fill(std::byte{0x33});
  switch (table) {
    case Table::kStore:
      return ToRow(StoreRecord{IdNumber<StoreUuid>(1), kSchemaVersion, KeyId{11}, 1000});
    case Table::kSealSlot:
      return ToRow(SealSlotRecord{KeyId{12}, PassphraseSlot{argon}, SampleWrapped(), "laptop", 1000});
    case Table::kTenant:
      return ToRow(Tenant{tenant, "acme-1", 1000});
    case Table::kKeyring:
      return ToRow(Keyring{kRing, "shop-pii", KeyringPurpose::kIndex, KeyId{13}, KeyVersion{2}, 1000});
    case Table::kKek:
      return ToRow(Kek{KeyId{13}, kRing, SampleWrapped(), SampleCheck(), 1000});
    case Table::kKeyVersion:
      return ToRow(Version{kRing, KeyVersion{2}, VersionState::kDestroyScheduled, 1000, 2000});
    case Table::kDataKey:
      return ToRow(DataKey{kRing, KeyVersion{2}, tenant, KeyId{14}, KeyId{13}, SampleWrapped(), SampleCheck(), 1000});
    case Table::kCatalogScope:
      return ToRow(CatalogScopeRecord{IdNumber<ScopeUuid>(6), "shop", 3, "serial = 3\n", 1000});
    case Table::kSecret:
      return ToRow(SecretRecord{tenant, "grafana/1/ds%2F1/password", kSecret, SecretVersion{4}, 1000, 2000});
    case Table::kSecretVersion:
      return ToRow(SecretVersionRecord{kSecret, SecretVersion{4}, SecretState::kLive, Bytes(90, std::byte{0xc1}), 1000,
                                       9000, 2000, "unix:admin:0"});
    case Table::kSecretMetadata:
      return ToRow(SecretMetadataRecord{kSecret, "owner", "team a"});
    case Table::kDestruction:
      return ToRow(DestructionRecord{DestructionKind::kKeyVersion, Uuid{kRing.bytes}, KeyVersion{2},
                                     DestructionState::kScheduled, VersionState::kEnabled, 1000, 2000, std::nullopt,
                                     "unix:admin:0", "left the company"});
    case Table::kCensusSource:
      return ToRow(CensusSourceRecord{
          "shop-db", 3600, 1000, "unix:admin:0", 1500, 1600, "unix:app:1", {{KeyId{14}, 3}, {KeyId{15}, 1}}});
    case Table::kRotation:
      return ToRow(RotationRecord{kRing, 86'400, 1000});
    case Table::kVersionOrigin:
      return ToRow(VersionOriginRecord{
          {IdNumber<StoreUuid>(7), IdNumber<KeyringUuid>(8), KeyVersion{1}}, kRing, KeyVersion{2}, tenant, 1000});
    case Table::kAuditLog:
      return ToRow(AuditLogRecord{"coffer/5acf2349+20324abe+AQ==", 7, Digest{std::byte{5}}, 1000});
    case Table::kAccessPolicy:
      return ToRow(AccessPolicyRecord{2, "serial = 2\n", "— alice AaB=\n", false, 1000, "unix:admin:0"});
    case Table::kApproval:
      return ToRow(ApprovalRecord{UuidNumber(9), "coffer approval v1\n", 1000});
    case Table::kApprovalVote:
      return ToRow(ApprovalVoteRecord{UuidNumber(9), "alice", "— alice AaB=\n", 1000});
    case Table::kAccessGrant:
      return ToRow(AccessGrantRecord{"issued-debug", 2, "[grant.issued-debug]\n", 1000, "unix:admin:0", "ticket 1"});
    case Table::kBreakGlass:
      return ToRow(BreakGlassRecord{UuidNumber(9), "coffer break-glass v1\n", "— safe AaB=\n", 1000, 2000, 3000, "dave",
                                    "all as it should be"});
    case Table::kAccessToken:
      return ToRow(AccessTokenRecord{UuidNumber(9), Digest{std::byte{5}}, "spiffe://example.org/role/app/orders",
                                     "tokens", 1000, 2000, "unix:admin:0", "ticket 2"});
    case Table::kDeniedCertificate:
      return ToRow(DeniedCertificateRecord{Digest{std::byte{5}}, 1000, "unix:admin:0", "stolen"});
  }
  return {};
}

template <typename Record>
Status Again(const Result<Record>& record, const Row& row) {
  if (!record.ok()) return record.error();
  EXPECT_EQ(ToRow(*record), row);
  return {};
}

// Parses the row as its table's record and, when that works, expects the same row back.
Status Parse(Table table, const Row& row) {
  switch (table) {
    case Table::kStore:
      return Again(StoreFromRow(row), row);
    case Table::kSealSlot:
      return Again(SealSlotFromRow(row), row);
    case Table::kTenant:
      return Again(TenantFromRow(row), row);
    case Table::kKeyring:
      return Again(KeyringFromRow(row), row);
    case Table::kKek:
      return Again(KekFromRow(row), row);
    case Table::kKeyVersion:
      return Again(KeyVersionFromRow(row), row);
    case Table::kDataKey:
      return Again(DataKeyFromRow(row), row);
    case Table::kCatalogScope:
      return Again(CatalogScopeFromRow(row), row);
    case Table::kSecret:
      return Again(SecretFromRow(row), row);
    case Table::kSecretVersion:
      return Again(SecretVersionFromRow(row), row);
    case Table::kSecretMetadata:
      return Again(SecretMetadataFromRow(row), row);
    case Table::kDestruction:
      return Again(DestructionFromRow(row), row);
    case Table::kCensusSource:
      return Again(CensusSourceFromRow(row), row);
    case Table::kRotation:
      return Again(RotationFromRow(row), row);
    case Table::kVersionOrigin:
      return Again(VersionOriginFromRow(row), row);
    case Table::kAuditLog:
      return Again(AuditLogFromRow(row), row);
    case Table::kAccessPolicy:
      return Again(AccessPolicyFromRow(row), row);
    case Table::kApproval:
      return Again(ApprovalFromRow(row), row);
    case Table::kApprovalVote:
      return Again(ApprovalVoteFromRow(row), row);
    case Table::kAccessGrant:
      return Again(AccessGrantFromRow(row), row);
    case Table::kBreakGlass:
      return Again(BreakGlassFromRow(row), row);
    case Table::kAccessToken:
      return Again(AccessTokenFromRow(row), row);
    case Table::kDeniedCertificate:
      return Again(DeniedCertificateFromRow(row), row);
  }
  return Error(ErrorCode::kInternal, "no such table");
}

struct Replacement {
  Table table;
  std::size_t column;
  Datum value;
};

Status ParseWith(const Replacement& replacement) {
  Row row = SampleRecord(replacement.table);
  row[replacement.column] = replacement.value;
  return Parse(replacement.table, row);
}

void ExpectIntegrity(const std::vector<Replacement>& cases) {
  for (const Replacement& c : cases) {
    const Status parsed = ParseWith(c);
    ASSERT_FALSE(parsed.ok()) << SpecOf(c.table).name << " column " << c.column;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kIntegrity);
  }
}

Datum Int(std::int64_t value) { return value; }
Datum Text(std::string value) { return value; }
Datum Blob(std::size_t size) { return Bytes(size, std::byte{1}); }

TEST(RecordsTest, EveryRecordFitsItsTableAndReadsBack) {
  for (const TableSpec& spec : Schema()) {
    EXPECT_TRUE(CheckColumns(spec, SampleRecord(spec.table)).ok()) << spec.name;
    EXPECT_TRUE(Parse(spec.table, SampleRecord(spec.table)).ok()) << spec.name;
  }
}

TEST(RecordsTest, FieldsReadBackAsTheyWere) {
  const auto key = DataKeyFromRow(SampleRecord(Table::kDataKey));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->keyring, kRing);
  EXPECT_EQ(key->version, KeyVersion{2});
  EXPECT_EQ(key->tenant, IdNumber<TenantUuid>(4));
  EXPECT_EQ(key->id, KeyId{14});
  EXPECT_EQ(key->kek, KeyId{13});
  EXPECT_EQ(key->wrapped, SampleWrapped());
  EXPECT_EQ(key->check, SampleCheck());
  const auto slot = SealSlotFromRow(SampleRecord(Table::kSealSlot));
  ASSERT_TRUE(slot.ok());
  const Argon2Params& argon = std::get<PassphraseSlot>(slot->params).argon2;
  EXPECT_EQ(argon.passes, 3U);
  EXPECT_EQ(argon.memory_kib, 256U * 1024);
  EXPECT_EQ(argon.salt[15], std::byte{0x33});
}

TEST(RecordsTest, LimitsThemselvesAreAccepted) {
  const std::vector<Replacement> cases = {
      {Table::kDataKey, 2, Uuid{}},  // the global tenant
      {Table::kDataKey, 1, Int(UINT32_MAX)},
      {Table::kDataKey, 3, Int(INT64_MAX)},
      {Table::kSealSlot, 4, Text("")},
      {Table::kSealSlot, 4, Text(std::string(kMaxSlotLabel, 'x'))},
      {Table::kSecretVersion, 5, NullValue{}},
      {Table::kSecretVersion, 7, Text(std::string(kMaxPrincipal, 'x'))},
      {Table::kSecretMetadata, 1, Text(std::string(kMaxMetadataKey, 'x'))},
      {Table::kSecretMetadata, 2, Text("")},
      {Table::kTenant, 2, Int(0)},
      {Table::kSecret, 3, Int(4)},
  };
  for (const Replacement& c : cases) EXPECT_TRUE(ParseWith(c).ok()) << SpecOf(c.table).name << " column " << c.column;
}

TEST(RecordsTest, ValuesOutsideTheirRangeAreIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kStore, 0, Int(2)},
      {Table::kStore, 1, Uuid{}},
      {Table::kStore, 2, Int(0)},
      {Table::kStore, 3, Int(0)},
      {Table::kStore, 4, Int(-1)},
      {Table::kSealSlot, 0, Int(0)},
      {Table::kSealSlot, 1, Int(0)},
      {Table::kSealSlot, 1, Int(1)},  // a key file has no parameters
      {Table::kSealSlot, 1, Int(3)},  // not a share set
      {Table::kSealSlot, 1, Int(7)},
      {Table::kSealSlot, 2, Blob(0)},
      {Table::kSealSlot, 2, Blob(23)},
      {Table::kSealSlot, 2, Blob(24)},  // 01010101 passes
      {Table::kSealSlot, 3, Blob(113)},
      {Table::kSealSlot, 4, Text(std::string(kMaxSlotLabel + 1, 'x'))},
      {Table::kSealSlot, 4, Text("\xff")},
      {Table::kTenant, 0, Uuid{}},
      {Table::kTenant, 1, Text("")},
      {Table::kTenant, 1, Text("Acme")},
      {Table::kTenant, 2, Int(-1)},
      {Table::kKeyring, 0, Uuid{}},
      {Table::kKeyring, 1, Text("-x")},
      {Table::kKeyring, 2, Int(0)},
      {Table::kKeyring, 2, Int(4)},
      {Table::kKeyring, 3, Int(-5)},
      {Table::kKeyring, 4, Int(0)},
      {Table::kKeyring, 4, Int(std::int64_t{1} << 32)},
      {Table::kKek, 0, Int(0)},
      {Table::kKek, 1, Uuid{}},
      {Table::kKek, 2, Blob(115)},
      {Table::kKek, 3, Blob(15)},
      {Table::kKeyVersion, 1, Int(0)},
      {Table::kKeyVersion, 2, Int(0)},
      {Table::kKeyVersion, 2, Int(5)},
      {Table::kKeyVersion, 2, Int(257)},
      {Table::kKeyVersion, 4, Int(-1)},
      {Table::kDataKey, 0, Uuid{}},
      {Table::kDataKey, 1, Int(0)},
      {Table::kDataKey, 3, Int(0)},
      {Table::kDataKey, 4, Int(INT64_MIN)},
      {Table::kDataKey, 5, Blob(0)},
      {Table::kDataKey, 6, Blob(17)},
  };
  for (const Replacement& c : cases) {
    const Status parsed = ParseWith(c);
    ASSERT_FALSE(parsed.ok()) << SpecOf(c.table).name << " column " << c.column;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(parsed.error().path(), SpecOf(c.table).name);
  }
}

TEST(RecordsTest, CatalogAndSecretsOutsideTheirRangeAreIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kCatalogScope, 0, Uuid{}},
      {Table::kCatalogScope, 1, Text("Shop")},
      {Table::kCatalogScope, 2, Int(0)},
      {Table::kCatalogScope, 3, Text("")},
      {Table::kCatalogScope, 3, Text("\xc0\x80")},
      {Table::kSecret, 0, Uuid{}},
      {Table::kSecret, 1, Text("")},
      {Table::kSecret, 1, Text("a//b")},
      {Table::kSecret, 1, Text("../b")},
      {Table::kSecret, 1, Text("a b")},
      {Table::kSecret, 2, Uuid{}},
      {Table::kSecret, 3, Int(0)},
      {Table::kSecretVersion, 0, Uuid{}},
      {Table::kSecretVersion, 1, Int(0)},
      {Table::kSecretVersion, 2, Int(4)},
      {Table::kSecretVersion, 2, Int(3)},  // destroyed with a ciphertext
      {Table::kSecretVersion, 3, NullValue{}},
      {Table::kSecretVersion, 3, Blob(0)},
      {Table::kSecretVersion, 5, Int(-1)},
      {Table::kSecretVersion, 7, Text("")},
      {Table::kSecretVersion, 7, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kSecretMetadata, 0, Uuid{}},
      {Table::kSecretMetadata, 1, Text("")},
      {Table::kSecretMetadata, 1, Text(std::string(kMaxMetadataKey + 1, 'x'))},
      {Table::kSecretMetadata, 2, Text(std::string(kMaxMetadataValue + 1, 'x'))},
      {Table::kSecretMetadata, 2, Text("\xff")},
      {Table::kDestruction, 0, Int(3)},
      {Table::kDestruction, 0, Int(2)},  // a tenant has no version
      {Table::kDestruction, 1, Uuid{}},
      {Table::kDestruction, 2, Int(0)},
      {Table::kDestruction, 3, Int(2)},  // done, and never
      {Table::kDestruction, 4, Int(5)},
      {Table::kDestruction, 6, Int(-1)},
      {Table::kDestruction, 7, Int(5)},  // not done, at some time
      {Table::kDestruction, 8, Text("")},
      {Table::kDestruction, 9, Text(std::string(kMaxReason + 1, 'x'))},
      {Table::kCensusSource, 0, Text("Shop")},
      {Table::kCensusSource, 1, Int(0)},
      {Table::kCensusSource, 4, NullValue{}},  // reported, as of nothing
      {Table::kCensusSource, 7, Blob(15)},
      {Table::kCensusSource, 7, Bytes(16)},  // a count of zero
      {Table::kCensusSource, 7, Blob(32)},   // the same key twice
      {Table::kRotation, 0, Uuid{}},
      {Table::kRotation, 1, Int(0)},
      {Table::kRotation, 2, Int(-1)},
      {Table::kVersionOrigin, 0, Uuid{}},
      {Table::kVersionOrigin, 1, Uuid{}},
      {Table::kVersionOrigin, 2, Int(0)},
      {Table::kVersionOrigin, 3, Uuid{}},
      {Table::kVersionOrigin, 4, Int(std::int64_t{1} << 32)},
      {Table::kVersionOrigin, 5, Uuid{}},
      {Table::kVersionOrigin, 6, Int(-1)},
  };
  ExpectIntegrity(cases);
}

TEST(RecordsTest, AnAuditLogOutsideItsRangeIsIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kAuditLog, 0, Int(0)},
      {Table::kAuditLog, 0, Int(2)},
      {Table::kAuditLog, 1, std::string()},
      {Table::kAuditLog, 1, std::string(kMaxLogKey + 1, 'a')},
      {Table::kAuditLog, 2, Int(0)},
      {Table::kAuditLog, 2, Int(-1)},
      {Table::kAuditLog, 2, Int((std::int64_t{1} << 62) + 1)},
      {Table::kAuditLog, 3, Bytes(31)},
      {Table::kAuditLog, 3, Bytes(33)},
      {Table::kAuditLog, 4, Int(-1)},
  };
  ExpectIntegrity(cases);
}

TEST(RecordsTest, PoliciesAndApprovalsOutsideTheirRangeAreIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kAccessPolicy, 0, Int(0)},
      {Table::kAccessPolicy, 1, Text("")},
      {Table::kAccessPolicy, 1, Text(std::string(kMaxPolicyText + 1, 'x'))},
      {Table::kAccessPolicy, 1, Text("\xff")},
      {Table::kAccessPolicy, 2, Text("")},  // nobody signed, and it was not recovered
      {Table::kAccessPolicy, 2, Text(std::string(kMaxSignaturesText + 1, 'x'))},
      {Table::kAccessPolicy, 3, Int(1)},  // recovered, with signatures
      {Table::kAccessPolicy, 3, Int(2)},
      {Table::kAccessPolicy, 4, Int(-1)},
      {Table::kAccessPolicy, 5, Text("")},
      {Table::kApproval, 0, Uuid{}},
      {Table::kApproval, 1, Text("")},
      {Table::kApproval, 1, Text(std::string(kMaxStatementText + 1, 'x'))},
      {Table::kApproval, 2, Int(-1)},
      {Table::kApprovalVote, 0, Uuid{}},
      {Table::kApprovalVote, 1, Text("Alice")},
      {Table::kApprovalVote, 2, Text("")},
      {Table::kApprovalVote, 3, Int(-1)},
  };
  ExpectIntegrity(cases);
}

TEST(RecordsTest, GrantsAndEmergenciesOutsideTheirRangeAreIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kAccessGrant, 0, Text("Issued")},
      {Table::kAccessGrant, 1, Int(0)},
      {Table::kAccessGrant, 2, Text("")},
      {Table::kAccessGrant, 2, Text(std::string(kMaxStatementText + 1, 'x'))},
      {Table::kAccessGrant, 2, Text("\xff")},
      {Table::kAccessGrant, 3, Int(-1)},
      {Table::kAccessGrant, 4, Text("")},
      {Table::kAccessGrant, 4, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kAccessGrant, 5, Text("")},
      {Table::kAccessGrant, 5, Text(std::string(kMaxReason + 1, 'x'))},
      {Table::kBreakGlass, 0, Uuid{}},
      {Table::kBreakGlass, 1, Text("")},
      {Table::kBreakGlass, 1, Text(std::string(kMaxStatementText + 1, 'x'))},
      {Table::kBreakGlass, 2, Text("")},
      {Table::kBreakGlass, 2, Text(std::string(kMaxSignaturesText + 1, 'x'))},
      {Table::kBreakGlass, 3, Int(-1)},
      {Table::kBreakGlass, 4, Int(-1)},
      {Table::kBreakGlass, 5, Int(-1)},
      {Table::kBreakGlass, 5, NullValue{}},  // reviewed by somebody, never
      {Table::kBreakGlass, 6, Text("")},     // by nobody
      {Table::kBreakGlass, 6, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kBreakGlass, 7, Text("")},  // without a word
      {Table::kBreakGlass, 7, Text(std::string(kMaxReason + 1, 'x'))},
  };
  ExpectIntegrity(cases);
  Row on = SampleRecord(Table::kBreakGlass);
  on[4] = on[5] = NullValue{};
  on[6] = on[7] = Text("");
  EXPECT_TRUE(Parse(Table::kBreakGlass, on).ok()) << "neither ended nor reviewed";
}

TEST(RecordsTest, TokensAndDeniedCertificatesOutsideTheirRangeAreIntegrity) {
  const std::vector<Replacement> cases = {
      {Table::kAccessToken, 0, Uuid{}},
      {Table::kAccessToken, 1, Bytes(31)},
      {Table::kAccessToken, 1, Bytes(33)},
      {Table::kAccessToken, 2, Text("")},
      {Table::kAccessToken, 2, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kAccessToken, 3, Text("Tokens")},
      {Table::kAccessToken, 4, Int(-1)},
      {Table::kAccessToken, 5, Int(-1)},
      {Table::kAccessToken, 6, Text("")},
      {Table::kAccessToken, 6, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kAccessToken, 7, Text("")},
      {Table::kAccessToken, 7, Text(std::string(kMaxReason + 1, 'x'))},
      {Table::kDeniedCertificate, 0, Bytes(31)},
      {Table::kDeniedCertificate, 0, Bytes(33)},
      {Table::kDeniedCertificate, 1, Int(-1)},
      {Table::kDeniedCertificate, 2, Text("")},
      {Table::kDeniedCertificate, 2, Text(std::string(kMaxPrincipal + 1, 'x'))},
      {Table::kDeniedCertificate, 3, Text("")},
      {Table::kDeniedCertificate, 3, Text(std::string(kMaxReason + 1, 'x'))},
  };
  ExpectIntegrity(cases);
}

TEST(RecordsTest, ColumnsOfAnotherTypeOrCountAreIntegrity) {
  for (const TableSpec& spec : Schema()) {
    const Row good = SampleRecord(spec.table);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const Datum& other : {Datum(NullValue{}), Int(1), Datum(UuidNumber(1)), Text("1"), Blob(16)}) {
        const bool null = std::holds_alternative<NullValue>(other) && spec.columns[i].nullable;
        if (null || other.index() == good[i].index()) continue;
        Row row = good;
        row[i] = other;
        EXPECT_FALSE(Parse(spec.table, row).ok()) << spec.name << " " << spec.columns[i].name;
      }
    }
    Row shorter = good;
    shorter.pop_back();
    Row longer = good;
    longer.push_back(good.back());
    for (const Row& row : {Row{}, shorter, longer}) {
      ASSERT_FALSE(Parse(spec.table, row).ok()) << spec.name;
      EXPECT_EQ(Parse(spec.table, row).error().code(), ErrorCode::kIntegrity) << spec.name;
    }
  }
}

TEST(RecordsTest, DestroyedSecretVersionHasNoCiphertext) {
  Row row = SampleRecord(Table::kSecretVersion);
  row[2] = Int(3);
  row[3] = NullValue{};
  const auto record = SecretVersionFromRow(row);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->state, SecretState::kDestroyed);
  EXPECT_FALSE(record->ciphertext.has_value());
}

// One slot of every kind.
std::vector<SlotParams> SampleSlots() {
  ShareSet set;
  set.uuid = IdNumber<ShareSetUuid>(7);
  set.threshold = 2;
  set.digests.resize(3);
  set.digests[0].fill(std::byte{1});
  set.digests[1].fill(std::byte{2});
  set.digests[2].fill(std::byte{3});
  return {KeyFileSlot{},
          PassphraseSlot{},
          SharesSlot{set},
          Pkcs11Slot{.key_id = {}, .encrypted = Bytes(60)},
          RecoverySlot{.recipients = {AgeIdentity::Generate().Recipient().ToText()}, .file = Bytes(200)},
          CommandSlot{.encrypted = Bytes(1)}};
}

TEST(RecordsTest, SlotsOfEveryKindReadBackAndOfNoOther) {
  for (const SlotParams& params : SampleSlots()) {
    const SealSlotKind kind = KindOf(params);
    const Row row = ToRow(SealSlotRecord{KeyId{12}, params, SampleWrapped(), "", 1000});
    EXPECT_TRUE(Parse(Table::kSealSlot, row).ok()) << SlotKindName(kind);
    for (const SlotParams& other : SampleSlots()) {
      if (KindOf(other) == kind) continue;
      EXPECT_FALSE(ParseSlotParams(kind, EncodeSlotParams(other)).ok())
          << SlotKindName(KindOf(other)) << " as " << SlotKindName(kind);
    }
    Bytes longer = EncodeSlotParams(params);
    longer.push_back(std::byte{0});
    EXPECT_FALSE(ParseSlotParams(kind, longer).ok()) << SlotKindName(kind);
    for (std::size_t size = 0; size + 1 < longer.size(); ++size) {
      EXPECT_FALSE(ParseSlotParams(kind, ByteView(longer).first(size)).ok()) << SlotKindName(kind) << " " << size;
    }
  }
}

}  // namespace
}  // namespace coffer::keysvc
