// Rotations that end in the middle: by kill -9 at random points, and by a power cut at every step of the disk.
#include <csignal>
#include <ctime>
#include <iostream>
#include <random>

#include <sqlite3.h>

#include "io/clock.h"
#include "io/directory.h"
#include "io/fault_vfs.h"
#include "plugins/grafana/rotation/vault_rotation.h"
#include "tests/plugins/grafana/rotation/data_key_rows.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"
#include "tests/support/in_child.h"
#include "tests/support/sanitized.h"

namespace coffer::grafana {
namespace {

// A vault in files, which a process that is killed leaves as it was.
// A file is "key=value;", as often as there is metadata, a line's end and the value.
class FileVault final : public MetadataVault {
 public:
  explicit FileVault(std::string folder) : folder_(std::move(folder)) {}

  Result<StoredSecret> Get(const SecretReference& reference) override {
    const std::uint64_t newest = Newest(reference.path);
    const std::uint64_t version = reference.version.value_or(newest);
    if (newest == 0) return Error(ErrorCode::kNotFound, "no such secret");
    COFFER_ASSIGN_OR_RETURN(const Bytes value, ReadFile(FileOf(reference.path, version), 10'000));
    const std::string_view text = AsText(value);
    return StoredSecret{SecretBytes::CopyOf(AsBytes(text.substr(text.find(kEndOfMetadata) + 1))), version};
  }
  Result<DescribedSecret> GetWithMetadata(const SecretPath& path) override {
    COFFER_ASSIGN_OR_RETURN(StoredSecret secret, Get({path, std::nullopt}));
    COFFER_ASSIGN_OR_RETURN(const Bytes value, ReadFile(FileOf(path, secret.version), 10'000));
    SecretMetadata metadata;
    std::string_view left = AsText(value);
    for (left = left.substr(0, left.find(kEndOfMetadata)); !left.empty();) {
      const std::string_view line = left.substr(0, left.find(';'));
      metadata.emplace(line.substr(0, line.find('=')), line.substr(line.find('=') + 1));
      left.remove_prefix(std::min(line.size() + 1, left.size()));
    }
    return DescribedSecret{std::move(secret), std::move(metadata)};
  }
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t expected_version) override {
    return PutWithMetadata(path, value, expected_version, {});
  }
  Result<std::uint64_t> PutWithMetadata(const SecretPath& path, const SecretBytes& value,
                                        std::uint64_t expected_version, const SecretMetadata& metadata) override {
    if (Newest(path) != expected_version) return Error(ErrorCode::kConflict, "another version");
    std::string content;
    for (const auto& [key, text] : metadata) content.append(key).append("=").append(text).append(";");
    content += kEndOfMetadata + known_answers::Revealed(value);
    COFFER_TRY(CreateFileDurably(FileOf(path, expected_version + 1), known_answers::Secret(content), 0600));
    return expected_version + 1;
  }

 private:
  static constexpr char kEndOfMetadata = '\n';

  std::string FileOf(const SecretPath& path, std::uint64_t version) const {
    return folder_ + "/" + path.Segments().back() + "-" + std::to_string(version);
  }
  std::uint64_t Newest(const SecretPath& path) const {
    std::uint64_t version = 0;
    while (Exists(FileOf(path, version + 1)).value()) ++version;
    return version;
  }

  const std::string folder_;
};

std::string NewestKey(VaultPort& vault) {
  return known_answers::Revealed(vault.Get({KeyPath(GrafanaKey::kSecurity), std::nullopt}).value().value);
}

// Few values, for each costs milliseconds, in many pages.
void PlantLittle(GrafanaRows& grafana) {
  grafana.AddDataKey("k1");
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope("k1", "a-password-under-a-data-key")));
  const std::string legacy = GrafanaRows::Map("password", grafana.Legacy("a-password-from-before-data-keys"));
  for (int id = 2; id < 40; ++id) {
    grafana.AddDataSource(std::to_string(id), legacy.substr(0, legacy.size() - 1) + std::string(600, ' ') + "}");
  }
}

// Sends this process SIGKILL after a while.
void ArmKill(std::int64_t micros) {
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer = {};
  itimerspec when = {};
  when.it_value.tv_sec = micros / 1'000'000;
  when.it_value.tv_nsec = micros % 1'000'000 * 1'000 + 1;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &when, nullptr) != 0) _exit(9);
}

class RotationCrashTest : public SqliteRotationTest {
 protected:
  void SetUp() override {
    GrafanaRows grafana{std::string(kOldKey)};
    PlantLittle(grafana);
    MakeFile(grafana, "PRAGMA journal_mode=" + mode_ + ";");
    original_ = Bytes();
    expected_ = Read(kOldKey);
    ASSERT_EQ(expected_.size(), 40U);
  }

  // Everything as it was before the first rotation.
  void Reset() {
    const auto names = ListDirectory(folder_.path(), 1'000);
    for (const std::string& name : *names) {
      ASSERT_TRUE(RemoveTree(folder_ / name).ok());
    }
    ASSERT_TRUE(WriteFileDurably(path_, AsBytes(original_), 0600).ok());
    ASSERT_TRUE(MakeDirectory(vault_folder_, 0700).ok());
    ASSERT_TRUE(vault_.Put(KeyPath(GrafanaKey::kSecurity), known_answers::Secret(kOldKey), 0).ok());
  }

  // As the command does it. `kill_micros` after its start, or after the first write, it is killed.
  static Status RunWhole(const std::string& path, MetadataVault& vault, std::int64_t kill_micros, bool from_first_write,
                         const std::string& backup) {
    if (kill_micros >= 0 && !from_first_write) ArmKill(kill_micros);
    RotationOptions options;
    options.threads = 1;
    options.backup = backup;
    bool armed = false;
    options.on_progress = [&](RotationStep step, std::uint64_t, std::uint64_t) {
      if (step != RotationStep::kWriting || !from_first_write || armed || kill_micros < 0) return;
      armed = true;
      ArmKill(kill_micros);
    };
    COFFER_ASSIGN_OR_RETURN(VaultRotation rotation,
                            VaultRotation::Begin(vault, GrafanaKey::kSecurity, RotationGoal::kNewKey, std::nullopt));
    COFFER_ASSIGN_OR_RETURN(const auto cells, SqliteCells::Open({.path = path, .busy_timeout_ms = 0, .vfs = ""}));
    COFFER_ASSIGN_OR_RETURN(const RotationReport report, grafana::Rotate(*cells, rotation.keys(), options,
                                                                         [&rotation] { return rotation.Stage(); }));
    if (report.refusal != RotationRefusal::kNone) return Error(ErrorCode::kInternal, "it is refused");
    return rotation.Promote();
  }

  // Opens the file as Grafana does when it starts again, which rolls a journal back.
  void ExpectWhole() {
    ASSERT_EQ(RunSqlite(path_, "SELECT * FROM data_source; PRAGMA integrity_check"), SQLITE_OK);
    EXPECT_EQ(Value("SELECT count(*) FROM data_source"), "39");
  }

  // True: all of it is under the new key; false: all under the old one. Anything else fails.
  bool IsAllNew() {
    const std::string next = [this] {
      const auto staged = vault_.Get({NextKeyPath(GrafanaKey::kSecurity), std::nullopt});
      return staged.ok() ? known_answers::Revealed(staged->value) : std::string(kNewKey);
    }();
    const bool is_old = Read(kOldKey) == expected_;
    const bool is_new = Read(next) == expected_;
    EXPECT_NE(is_old, is_new);
    return is_new;
  }

  std::string mode_ = "DELETE";
  const std::string vault_folder_ = folder_ / "vault";
  FileVault vault_{vault_folder_};
  std::string original_;
  Plaintexts expected_;
};

// How long it takes from its start, and from its first write.
struct Durations {
  std::int64_t whole = 0;
  std::int64_t from_write = 0;
};

class KillTest : public RotationCrashTest {
 protected:
  Durations Measure() {
    Reset();
    const SystemClock clock;
    Durations durations;
    const std::int64_t start = clock.MonotonicMicros();
    EXPECT_TRUE(RunWhole(path_, vault_, -1, false, folder_ / "backup.db").ok());
    durations.whole = clock.MonotonicMicros() - start;
    durations.from_write = durations.whole / 3;
    return durations;
  }

  void KillAtRandomPoints(int kills, std::uint64_t seed) {
    std::cout << "seed " << seed << "\n";
    const Durations durations = Measure();
    std::mt19937_64 random(seed);
    int old_ones = 0;
    int new_ones = 0;
    int pending = 0;
    for (int kill = 0; kill < kills && !HasFatalFailure(); ++kill) {
      const bool from_first_write = kill % 2 == 1;
      const std::int64_t range = from_first_write ? durations.from_write : durations.whole * 5 / 4;
      // The first dies at once and the last one never.
      const std::int64_t after = kill == 0 ? 0
                                 : kill == kills - 1
                                     ? -1
                                     : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(range));
      Reset();
      const int code =
          InChild([&] { return RunWhole(path_, vault_, after, from_first_write, folder_ / "backup.db").ok() ? 0 : 1; });
      ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << code;
      ExpectWhole();
      const bool is_new = IsAllNew();
      (is_new ? new_ones : old_ones) += 1;
      // Unless it says that it was not finished, Grafana is handed the right key.
      if (CheckNoRotationPending(vault_, GrafanaKey::kSecurity).ok()) {
        EXPECT_EQ(Read(NewestKey(vault_)), expected_) << kill;
      } else {
        ++pending;
        EXPECT_EQ(NewestKey(vault_), kOldKey);
      }
      if (code == 0) continue;
      // What the next run makes of it.
      const Status again = RunWhole(path_, vault_, -1, false, folder_ / "backup-2.db");
      EXPECT_TRUE(again.ok()) << again.error().ToString();
      EXPECT_TRUE(CheckNoRotationPending(vault_, GrafanaKey::kSecurity).ok());
      EXPECT_NE(NewestKey(vault_), kOldKey);
      EXPECT_EQ(Read(NewestKey(vault_)), expected_) << kill;
    }
    std::cout << old_ones << " all old, " << new_ones << " all new, " << pending << " pending\n";
    EXPECT_GT(old_ones, 0);
    EXPECT_GT(new_ones, 0);
  }
};

TEST_F(KillTest, KilledAtTwoHundredRandomPointsItIsAllOldOrAllNewAndTheNextRunFinishes) {
  KillAtRandomPoints(kSanitized ? 50 : 200, std::random_device{}());
}

class KillWithALogTest : public KillTest {
 protected:
  KillWithALogTest() { mode_ = "WAL"; }
};

TEST_F(KillWithALogTest, KilledAtRandomPointsItIsAllOldOrAllNewAndTheNextRunFinishes) {
  KillAtRandomPoints(kSanitized ? 12 : 50, std::random_device{}());
}

// Of a data key rotation, whose only trace is the database.
class DataKeyKillTest : public SqliteRotationTest {
 protected:
  static constexpr int kKills = 30;

  void SetUp() override {
    GrafanaRows grafana{std::string(kOldKey)};
    grafana.AddDataKey("k");
    grafana.AddDataKey("a-newer-data-key", "secretKey.v1", true, "2026-02-01");
    PlantProof(grafana, "a-newer-data-key");
    const std::string value = GrafanaRows::Map("url", grafana.Envelope("k", "a-secret-of-an-old-channel"));
    for (int id = 1; id < 40; ++id) {
      grafana.rows.Add("alert_notification",
                       {{"id", std::to_string(id)}, {"secure_settings", value + std::string(600, ' ')}});
    }
    MakeFile(grafana);
    original_ = Bytes();
    expected_ = Read(kOldKey);
  }
  std::set<std::string> Ids() const {
    SqliteRows rows(path_);
    return IdsIn(rows)["alert_notification.secure_settings"];
  }
  static Status RunWhole(const std::string& path, std::int64_t kill_micros, bool from_first_write) {
    if (kill_micros >= 0 && !from_first_write) ArmKill(kill_micros);
    DataKeyRotationOptions options;
    options.threads = 1;
    bool armed = false;
    options.on_progress = [&](RotationStep step, std::uint64_t, std::uint64_t) {
      if (step != RotationStep::kWriting || !from_first_write || armed || kill_micros < 0) return;
      armed = true;
      ArmKill(kill_micros);
    };
    COFFER_ASSIGN_OR_RETURN(const auto cells, SqliteCells::Open({.path = path, .busy_timeout_ms = 0, .vfs = ""}));
    COFFER_ASSIGN_OR_RETURN(const DataKeyReport report,
                            RotateDataKeys(*cells, known_answers::Secret(kOldKey), options));
    if (report.refusal != DataKeyRefusal::kNone) return Error(ErrorCode::kInternal, "it is refused");
    return {};
  }
  void Reset() {
    const auto names = ListDirectory(folder_.path(), 1'000);
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) ASSERT_TRUE(RemoveTree(folder_ / name).ok());
    ASSERT_TRUE(WriteFileDurably(path_, AsBytes(original_), 0600).ok());
  }

  std::string original_;
  Plaintexts expected_;
};

TEST_F(DataKeyKillTest, KilledAtRandomPointsItIsAllOldOrAllNewAndTheNextRunFinishes) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const SystemClock clock;
  const std::int64_t start = clock.MonotonicMicros();
  ASSERT_TRUE(RunWhole(path_, -1, false).ok());
  const auto whole = static_cast<std::uint64_t>(clock.MonotonicMicros() - start);
  const std::set<std::string> old_ids = {"k"};
  const std::set<std::string> new_ids = {"a-newer-data-key"};
  int old_ones = 0;
  for (int kill = 0; kill < kKills && !HasFatalFailure(); ++kill) {
    // The first dies at once and the last one never.
    const bool from_first_write = kill % 2 == 1;
    const auto at = static_cast<std::int64_t>(random() % (from_first_write ? whole / 3 + 1 : whole * 5 / 4));
    const std::int64_t after = kill == 0 ? 0 : kill == kKills - 1 ? -1 : at;
    Reset();
    const int code = InChild([&] { return RunWhole(path_, after, from_first_write).ok() ? 0 : 1; });
    ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << code;
    ASSERT_EQ(RunSqlite(path_, "SELECT * FROM alert_notification; PRAGMA integrity_check"), SQLITE_OK);
    const std::set<std::string> ids = Ids();
    EXPECT_TRUE(ids == old_ids || ids == new_ids) << kill;
    EXPECT_TRUE(code != 0 || ids == new_ids) << kill;
    EXPECT_EQ(Read(kOldKey), expected_) << kill;
    old_ones += ids == old_ids ? 1 : 0;
    EXPECT_TRUE(RunWhole(path_, -1, false).ok());
    EXPECT_EQ(Ids(), new_ids);
    EXPECT_EQ(Read(kOldKey), expected_) << kill;
  }
  std::cout << old_ones << " all old, " << kKills - old_ones << " all new\n";
  EXPECT_GT(old_ones, 0);
  EXPECT_LT(old_ones, kKills);
}

// Rows of a file under a VFS of tests.
class CellsAsRows final : public RowReader {
 public:
  explicit CellsAsRows(CellWriter& cells) : cells_(cells) {}
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override {
    return cells_.Read(wanted, [&on_row](std::string_view, const ReadRow& row) { return on_row(row); });
  }

 private:
  CellWriter& cells_;
};

class PowerCutTest : public testing::Test {
 protected:
  static constexpr char kName[] = "grafana.db";

  static void Make(const FaultVfs& vfs, const std::string& mode) {
    GrafanaRows grafana{std::string(kOldKey)};
    PlantLittle(grafana);
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open_v2(kName, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name().c_str()),
              SQLITE_OK);
    const std::string sql =
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=" + mode + ";" + SqlOf(grafana.rows, Dialect::kSqlite);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_close(database), SQLITE_OK);
  }
  static Result<RotationReport> Rotate(const FaultVfs& vfs) {
    COFFER_ASSIGN_OR_RETURN(const auto cells,
                            SqliteCells::Open({.path = kName, .busy_timeout_ms = 0, .vfs = vfs.name()}));
    RotationOptions options;
    options.threads = 1;
    return grafana::Rotate(*cells, KeysOf(kOldKey, kNewKey), options, [] { return Status(); });
  }
  static Plaintexts Read(const FaultVfs& vfs, std::string_view key) {
    const auto cells = SqliteCells::Open({.path = kName, .busy_timeout_ms = 0, .vfs = vfs.name()});
    EXPECT_TRUE(cells.ok()) << cells.error().ToString();
    if (!cells.ok()) return {};
    CellsAsRows rows(**cells);
    return PlaintextReader(key).Read(rows);
  }
};

TEST_F(PowerCutTest, CutAtEveryStepItIsAllOldOrAllNew) {
  std::uint64_t steps = 0;
  {
    FaultVfs vfs(1);
    Make(vfs, "DELETE");
    const std::uint64_t before = vfs.steps();
    ASSERT_TRUE(Rotate(vfs).ok());
    steps = vfs.steps() - before;
  }
  ASSERT_GT(steps, 10U);
  int new_ones = 0;
  for (std::uint64_t step = 1; step <= steps + 1; ++step) {
    FaultVfs vfs(step);
    Make(vfs, "DELETE");
    const Plaintexts expected = Read(vfs, kOldKey);
    ASSERT_EQ(expected.size(), 40U);
    vfs.CrashAtStep(step);
    const bool done = Rotate(vfs).ok();
    EXPECT_EQ(done, step > steps) << step;
    vfs.Reboot();
    const bool is_old = Read(vfs, kOldKey) == expected;
    const bool is_new = Read(vfs, kNewKey) == expected;
    EXPECT_NE(is_old, is_new) << "step " << step;
    EXPECT_TRUE(is_new || !done) << "what was committed survives";
    new_ones += is_new ? 1 : 0;
  }
  std::cout << steps << " steps, " << new_ones << " all new\n";
}

TEST_F(PowerCutTest, AFullDiskLeavesEverything) {
  FaultVfs vfs(1);
  Make(vfs, "DELETE");
  const Plaintexts expected = Read(vfs, kOldKey);
  vfs.LimitBytes(vfs.TotalBytes() + 2'000);
  const auto report = Rotate(vfs);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kUnavailable);
  vfs.LimitBytes(0);
  EXPECT_EQ(Read(vfs, kOldKey), expected);
}

}  // namespace
}  // namespace coffer::grafana
