// MergeFixture: stores with work in each, one of which is merged into another.
#pragma once

#include <set>

#include "crypto/age_file.h"
#include "crypto/field_header.h"
#include "tests/keysvc/service/service_fixture.h"
#include "tests/support/fault_folder.h"

namespace coffer::keysvc {

inline constexpr char kMergeCatalog[] = R"(
scope = "shop"
[field."user.email"]
class = "pii"
keyring = "shop"
row = "int64"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
[field."user.email".index.once]
kind = "equality"
keyring = "shop-index"
bits = 256
unique = true
[field."user.email".index.everywhere]
kind = "equality"
keyring = "shop-index"
bits = 16
scope = "global"
[field."user.name"]
class = "pii"
keyring = "shop"
row = "int64"
[field."user.code"]
class = "internal"
keyring = "shop-det"
suite = 4
bind_row = false
unbound = "equal codes are joined"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
)";

// A value and where it is.
struct Stored {
  std::string field;
  std::string tenant;
  std::int64_t row = 0;
  std::string plaintext;
  std::string ciphertext;
  std::vector<IndexColumnOutput> tokens;

  KeyId key() const {
    const std::optional<FieldHeader> header = FieldHeader::Parse(AsBytes(ciphertext));
    return header ? header->key_id : KeyId{};
  }
  const IndexColumnOutput& TokensOf(std::string_view index, std::size_t nth = 0) const {
    static const IndexColumnOutput kNone;
    for (const IndexColumnOutput& one : tokens) {
      if (one.index == index && nth-- == 0) return one;
    }
    ADD_FAILURE() << "no tokens of " << index;
    return kNone;
  }
};

struct StoredSecret {
  std::string tenant;
  std::string path;
  std::string value;
};

struct StoredKey {
  std::string tenant;
  Bytes wrapped;
  SecretBytes plaintext;
};

// All that a store acknowledged.
struct Acknowledged {
  std::vector<Stored> values;
  std::vector<StoredSecret> secrets;
  std::vector<StoredKey> keys;
};

using Rows = std::vector<std::pair<Row, std::uint64_t>>;  // with their epochs

// One store with its journal and the services over it.
class MergeHome {
 public:
  MergeHome(const Clock& clock, const TempDir& folder, std::string of)
      : name(std::move(of)), clock_(clock), folder_(folder) {}

  void Open() {
    barrier = Barrier::Open(*store, clock_, {.tools = {}, .keys = {}, .journal_folder = &journal}).value();
    pipeline = std::make_unique<Pipeline>(*barrier, recorded.recorder());
    fields = std::make_unique<FieldService>(*pipeline, clock_, *barrier);
    plain_operators = std::make_unique<OperatorService>(*pipeline, clock_);
    approver = std::make_unique<Approver>(*pipeline, *plain_operators, *barrier);
    keys = std::make_unique<ApprovedKeyService>(*pipeline, *approver);
    secrets = std::make_unique<ApprovedSecretService>(*pipeline, clock_, *approver);
    admin_service = std::make_unique<ApprovedAdminService>(*pipeline, AdminService::Options{}, *approver);
    operators = std::make_unique<ApprovedOperatorService>(*pipeline, clock_, *approver);
  }
  void Close() {
    operators.reset();
    admin_service.reset();
    secrets.reset();
    keys.reset();
    approver.reset();
    plain_operators.reset();
    fields.reset();
    pipeline.reset();
    barrier.reset();
  }
  void Restart() {
    Close();
    Open();
    ASSERT_TRUE(admin_service->Unseal(admin, KeyFile()).ok());
  }

  void Init() {
    Open();
    const std::vector<AgeRecipient> recipients = {identity.Recipient()};
    const Bytes challenge = operators->StartRecovery(admin, recipients).value();
    RecoveryProof proof{.recipients = recipients, .answer = AgeDecrypt(Identity().identities, challenge).value()};
    ASSERT_TRUE(operators->Init(admin, KeyFile(), std::move(proof), false).ok());
  }
  // With keyrings and the catalog above; `lock_text`: that of the store that applied it first.
  void InitShop(const std::string& lock_text = "", const std::string& catalog = kMergeCatalog) {
    Init();
    ASSERT_TRUE(keys->CreateKeyring(admin, "shop").ok());
    ASSERT_TRUE(keys->CreateKeyring(admin, "shop-index", KeyringPurpose::kIndex).ok());
    ASSERT_TRUE(keys->CreateKeyring(admin, "shop-det", KeyringPurpose::kDeterministic).ok());
    lock = lock_text;
    Apply(catalog);
  }
  void Apply(const std::string& catalog = kMergeCatalog) {
    const Result<policy::CatalogChange> applied = admin_service->Apply(admin, catalog, lock);
    ASSERT_TRUE(applied.ok()) << applied.error().ToString();
    lock = policy::WriteCatalogLock(applied->lock);
  }
  KeyFileSeal KeyFile() const { return {.path = folder_ / (name + ".key"), .allow_same_device = true}; }
  RecoverySeal Identity() const {
    RecoverySeal seal;
    seal.identities.push_back(identity.Clone());
    return seal;
  }

  Stored Write(const std::string& field, const std::string& tenant, const std::string& plaintext) {
    Stored stored{
        .field = field, .tenant = tenant, .row = ++rows_, .plaintext = plaintext, .ciphertext = {}, .tokens = {}};
    const Result<FieldOutput> output = fields->Encrypt(app, {ColumnOf(stored, stored.plaintext)});
    EXPECT_TRUE(output.ok()) << output.error().ToString();
    if (!output.ok()) return stored;
    stored.ciphertext = output->columns[0].values[0];
    stored.tokens = output->columns[0].indexes;
    return stored;
  }
  // The plaintext, or "!" and why not.
  std::string Read(const Stored& stored, const std::string& tenant) const {
    Stored here = stored;
    here.tenant = tenant;
    const Result<FieldOutput> output = fields->Decrypt(app, {ColumnOf(here, here.ciphertext)});
    if (!output.ok()) return "!" + output.error().ToString();
    if (output->columns[0].failures.empty()) return output->columns[0].values[0];
    return output->columns[0].failures[0].second == ItemFailure::kKeyDisabled ? "!disabled" : "!failed";
  }
  void Put(const std::string& tenant, const std::string& path, const std::string& value,
           std::optional<MetadataPairs> metadata = std::nullopt) {
    const auto put = secrets->Put(app, {.name = {.tenant = tenant, .path = path},
                                        .value = AsBytes(value),
                                        .expected_version = std::nullopt,
                                        .expires_us = 0,
                                        .metadata = std::move(metadata)});
    ASSERT_TRUE(put.ok()) << put.error().ToString();
  }
  std::string Get(const std::string& tenant, const std::string& path, std::int64_t version = 0) const {
    const auto got = secrets->Get(app, {.tenant = tenant, .path = path}, SecretVersion{version});
    if (!got.ok()) return "!" + got.error().ToString();
    return std::string(AsText(got->value.Expose(SecretAccess::kTest)));
  }
  // Something new of every kind, for `tenant`.
  void Work(const std::string& tenant = "default") {
    const std::string number = name + std::to_string(rows_);
    ASSERT_TRUE(keys->RotateKeyring(admin, "shop", {}).ok());
    for (const char* field : {"shop.user.email", "shop.user.name", "shop.user.code"}) {
      done.values.push_back(Write(field, tenant, number + "@example.org"));
    }
    Put(tenant, "s/" + number, "secret of " + number, MetadataPairs{{"owner", name}});
    done.secrets.push_back({tenant, "s/" + number, "secret of " + number});
    Result<CallerKey> key = keys->GenerateDataKey(app, "shop", tenant);
    ASSERT_TRUE(key.ok()) << key.error().ToString();
    done.keys.push_back({tenant, Bytes(key->wrapped.begin(), key->wrapped.end()), std::move(key->plaintext)});
  }
  std::string Backup() {
    std::string path = folder_ / (name + std::to_string(++backups_) + ".age");
    const auto written = operators->Backup(admin, path);
    EXPECT_TRUE(written.ok()) << written.error().ToString();
    return path;
  }
  OperatorService::MergeRequest RequestFor(MergeHome& from, MergeOptions options) const {
    return {.backup_path = from.Backup(), .identity = from.Identity(), .options = std::move(options)};
  }
  // The default tenant of `from` is called after it.
  Result<MergeFacts> Merge(MergeHome& from, MergeOptions options = {}) {
    const bool named = std::any_of(options.renames.begin(), options.renames.end(),
                                   [](const auto& rename) { return rename.first == "default"; });
    if (!named) options.renames.emplace_back("default", from.name);
    return operators->Merge(admin, RequestFor(from, std::move(options)));
  }

  // Rows and journal, to tell whether anything changed.
  // Of all rows, but for those that only say what was asked of others.
  Rows Snapshot() {
    Rows rows;
    const std::unique_ptr<StoreTransaction> transaction = store->Begin().value();
    for (const TableSpec& spec : Schema()) {
      if (spec.table >= Table::kAccessPolicy) continue;
      const std::vector<StoredRow> stored = transaction->Scan({.table = spec.table}).value();
      for (const StoredRow& row : stored) rows.emplace_back(row.columns, row.row_epoch);
    }
    return rows;
  }
  std::uint64_t Epoch() { return store->Begin().value()->GetHead()->value().epoch.value; }
  std::vector<Row> RowsOf(Table table) {
    std::vector<Row> rows;
    const std::vector<StoredRow> stored = store->Begin().value()->Scan({.table = table}).value();
    for (const StoredRow& row : stored) rows.push_back(row.columns);
    return rows;
  }

  // Whether the search for the value's plaintext finds a row with its tokens, under the index version `version`.
  bool Finds(const Stored& stored, const std::string& index, const std::string& tenant, std::uint16_t version) const {
    const IndexColumnOutput& row = stored.TokensOf(index);
    const Result<IndexAnswers> answers = fields->Search(app, {{.field = stored.field,
                                                               .tenant = tenant,
                                                               .term = {.index = index,
                                                                        .what = SearchTerm::What::kEquals,
                                                                        .value = AsBytes(stored.plaintext),
                                                                        .high = {},
                                                                        .anchors = {},
                                                                        .parts = {}}}});
    EXPECT_TRUE(answers.ok()) << answers.error().ToString();
    if (!answers.ok()) return false;
    for (const VersionTokens& tokens : answers->front()) {
      if (tokens.version == version && Meets(tokens.tokens, row)) return true;
    }
    return false;
  }

  const std::string name;
  std::unique_ptr<KeyStore> store = std::make_unique<MemoryStore>();
  FaultFolder journal;
  std::unique_ptr<Barrier> barrier;
  Recorded recorded;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<FieldService> fields;
  std::unique_ptr<OperatorService> plain_operators;
  std::unique_ptr<Approver> approver;
  std::unique_ptr<ApprovedKeyService> keys;
  std::unique_ptr<ApprovedSecretService> secrets;
  std::unique_ptr<ApprovedAdminService> admin_service;
  std::unique_ptr<ApprovedOperatorService> operators;
  AgeIdentity identity = AgeIdentity::Generate();
  std::string lock;
  Acknowledged done;
  const Caller app = LocalCaller(policy::Role::kApp);
  const Caller admin = LocalCaller(policy::Role::kAdmin);

 private:
  static FieldColumn ColumnOf(const Stored& stored, const std::string& value) {
    FieldColumn column{.field = stored.field,
                       .tenant = stored.tenant,
                       .values = {AsBytes(value)},
                       .row_parts = {},
                       .row_width = 0,
                       .contexts = {}};
    if (stored.field == "shop.user.code") return column;
    column.row_parts.emplace_back(stored.row);
    column.row_width = 1;
    return column;
  }
  static bool Meets(const SearchTokens& tokens, const IndexColumnOutput& row) {
    for (const IndexTokens& set : tokens.alternatives) {
      for (const std::int64_t number : set.numbers) {
        if (!row.numbers.empty() && row.numbers[0] == number) return true;
      }
      for (const Bytes& text : set.strings) {
        if (!row.strings.empty() && row.strings[0] == AsText(ByteView(text))) return true;
      }
    }
    return false;
  }

  const Clock& clock_;
  const TempDir& folder_;
  std::int64_t rows_ = 0;
  int backups_ = 0;
};

class MergeFixture : public ::testing::Test {
 protected:
  // Both with the same catalog, and work in both.
  void StartBoth() {
    centre.InitShop();
    edge.InitShop(centre.lock);
    ASSERT_TRUE(edge.keys->CreateTenant(edge.admin, "acme").ok());
    for (MergeHome* home : {&centre, &edge}) home->Work();
    edge.Work("acme");
  }
  // What `there` calls a tenant, as it is called where it was merged.
  static std::string TenantHere(const MergeHome& here, const MergeHome& there, const std::string& tenant) {
    return &here != &there && tenant == "default" ? there.name : tenant;
  }
  // Whatever `there` acknowledged works at `here`.
  static void ExpectWorks(const MergeHome& here, const MergeHome& there, const std::string& secrets_under = "") {
    for (const Stored& stored : there.done.values) {
      EXPECT_EQ(here.Read(stored, TenantHere(here, there, stored.tenant)), stored.plaintext) << stored.field;
    }
    for (const StoredSecret& secret : there.done.secrets) {
      EXPECT_EQ(here.Get(TenantHere(here, there, secret.tenant), secrets_under + secret.path), secret.value);
    }
    for (const StoredKey& key : there.done.keys) {
      const Result<SecretBytes> unwrapped =
          here.keys->UnwrapDataKey(here.app, "shop", TenantHere(here, there, key.tenant), key.wrapped);
      ASSERT_TRUE(unwrapped.ok()) << unwrapped.error().ToString();
      EXPECT_TRUE(EqualConstantTime(unwrapped->Expose(SecretAccess::kTest), key.plaintext.Expose(SecretAccess::kTest)));
    }
  }
  // The merge is refused with these words, and nothing changed.
  void ExpectRefused(const Result<MergeFacts>& merged, ErrorCode code, std::string_view words, const Rows& before) {
    ASSERT_FALSE(merged.ok()) << words;
    EXPECT_EQ(merged.error().code(), code) << merged.error().ToString();
    EXPECT_NE(merged.error().ToString().find(words), std::string::npos) << merged.error().ToString();
    EXPECT_TRUE(centre.Snapshot() == before) << "a refused merge changed the store";
  }
  void DestroyAt(MergeHome& home, const std::string& keyring, std::uint32_t version) {
    DestroyRequest request;
    request.name = keyring;
    request.version = KeyVersion{version};
    request.no_sources = true;
    const auto scheduled = home.keys->ScheduleDestroy(home.admin, request);
    ASSERT_TRUE(scheduled.ok()) << scheduled.error().ToString();
    EndWhatIsDue(home);
  }
  void EndWhatIsDue(MergeHome& home) {
    clock.Advance(8 * kMicrosPerDay);
    const DueReport report = (*home.barrier->Enter())->keys->DestroyDue(clock.UnixMicros());
    EXPECT_FALSE(report.failure);
  }

  TempDir folder;
  FakeClock clock;
  MergeHome centre{clock, folder, "centre"};
  MergeHome edge{clock, folder, "edge"};
};

}  // namespace coffer::keysvc
