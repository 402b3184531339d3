#include "plugins/grafana/reload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/unique_fd.h"
#include "plugins/grafana/provisioning_folder.h"
#include "plugins/grafana/secret_key.h"
#include "plugins/grafana/version_notes.h"
#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

constexpr std::int64_t kEvery = 30 * kMicrosPerSecond;

// Grafana, which reads the files when it is told.
class FakeGrafana final : public ReloadTarget {
 public:
  Status Reload(const std::atomic<bool>&) override {
    ++asked;
    if (failure) return Error(*failure, "the test's failure");
    ++reloads;
    return {};
  }
  int asked = 0;
  int reloads = 0;
  std::optional<ErrorCode> failure;
};

class ReloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = PrivateDir::Make("");
    if (!folder.ok()) GTEST_SKIP() << "nothing is in memory here";
    folder_.emplace(std::move(folder).value());
    std::filesystem::create_directories(dir_ / "p/datasources");
    Write("a.yaml", "datasources:\n- {name: a, secureJsonData: {p: coffer://grafana/1/a/p}}\n");
    Write("b.yaml", "datasources:\n- {name: b, secureJsonData: {p: 'coffer://grafana/1/b/p#1'}}\n");
    vault_.Set("grafana/1/a/p", "canary-a1");
    vault_.Set("grafana/1/b/p", "canary-b1");
    vault_.Set("grafana/secret_key", "canary-k1");
    Start();
  }
  void TearDown() override {
    // Whatever happened: no line names a value.
    for (const std::string& line : lines_) EXPECT_EQ(line.find("canary"), std::string::npos) << line;
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / ("p/datasources/" + name), std::ios::binary) << text;
  }
  void Start() {
    VersionNotes notes(vault_);
    ValuesByReference values;
    const FetchSecret fetch = [&](const SecretReference& reference) -> Result<SecretBytes> {
      auto stored = notes.Get(reference);
      if (!stored.ok()) return std::move(stored).error();
      values.insert_or_assign(KeyOf(reference), stored->value.Clone());
      return std::move(stored->value);
    };
    const auto rendered = RenderFolder(dir_ / "p", fetch, {});
    ASSERT_TRUE(rendered.ok()) << rendered.error().ToString();
    ASSERT_TRUE(folder_->WipeSubfolder("provisioning").ok());
    ASSERT_TRUE(LayOut(*rendered, dir_ / "p", *folder_).ok());
    const ReloadPorts ports{vault_, vault_, grafana_, clock_,
                            [this](const std::string& line) { lines_.push_back(line); }};
    HandedOut handed{dir_ / "p", {}, notes.versions(), {{"grafana/secret_key", 1}}, std::move(values)};
    reloader_.emplace(ports, std::chrono::microseconds(kEvery), std::move(handed), *folder_);
    vault_.gets = 0;
  }
  void Pass() { reloader_->Pass(cancelled_); }
  void PassAfter(std::int64_t micros) {
    clock_.Advance(micros);
    Pass();
  }
  std::string Datasources() const { return folder_->path() + "/provisioning/datasources"; }
  // What Grafana would read now.
  SecureValues Held() const {
    SecureValues held;
    for (const auto& file : std::filesystem::directory_iterator(Datasources())) {
      EXPECT_EQ(FactsOf(file.path())->permissions, 0400U);
      held.merge(ReadAsGrafana(ReadText(file.path()).value()));
    }
    return held;
  }
  bool Said(std::string_view part) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [part](const std::string& line) { return line.find(part) != line.npos; });
  }

  TempDir dir_;
  std::optional<PrivateDir> folder_;
  MemoryVault vault_;
  FakeGrafana grafana_;
  FakeClock clock_;
  std::vector<std::string> lines_;
  std::optional<Reloader> reloader_;
  std::atomic<bool> cancelled_ = false;
};

TEST_F(ReloadTest, WithoutANewVersionNothingIsFetchedAndNobodyIsTold) {
  for (int i = 0; i < 10; ++i) PassAfter(kEvery);
  EXPECT_EQ(vault_.lists, 10);
  EXPECT_EQ(vault_.gets, 0);
  EXPECT_EQ(grafana_.asked, 0);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ReloadTest, TheVaultIsAskedOnceInEachInterval) {
  for (int i = 0; i < 29; ++i) PassAfter(kMicrosPerSecond);
  EXPECT_EQ(vault_.lists, 0);
  for (int i = 0; i < 32; ++i) PassAfter(kMicrosPerSecond);
  EXPECT_EQ(vault_.lists, 2);
}

TEST_F(ReloadTest, ANewVersionReachesGrafana) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_EQ(Held(), (SecureValues{{"1/a/p", "canary-a2"}, {"1/b/p", "canary-b1"}}));
  EXPECT_EQ(grafana_.reloads, 1);
  EXPECT_EQ(lines_,
            (std::vector<std::string>{"Grafana has reloaded its datasources for new versions of grafana/1/a/p"}));
  PassAfter(kEvery);
  EXPECT_EQ(grafana_.reloads, 1);
}

TEST_F(ReloadTest, AReferenceWithAVersionNeverChanges) {
  vault_.Set("grafana/1/b/p", "canary-b2");
  PassAfter(kEvery);
  EXPECT_EQ(grafana_.asked, 0);
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_EQ(Held()["1/b/p"], "canary-b1");
}

TEST_F(ReloadTest, OldFilesAreOverwritten) {
  const UniqueFd open_before(open((Datasources() + "/a.yaml").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(open_before.valid());
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  std::string seen(4096, 'x');
  const ssize_t count = read(open_before.get(), seen.data(), seen.size());
  ASSERT_GT(count, 0);
  seen.resize(static_cast<std::size_t>(count));
  EXPECT_EQ(seen, std::string(seen.size(), '\0'));
  const auto left = ListDirectory(folder_->path(), 100);
  EXPECT_EQ(*left, std::vector<std::string>{"provisioning"});
}

TEST_F(ReloadTest, ChangedFilesAreTakenInWithTheNextNewVersion) {
  Write("c.yaml", "datasources:\n- {name: c, secureJsonData: {p: coffer://grafana/1/c/p}}\n");
  vault_.Set("grafana/1/c/p", "canary-c1");
  std::filesystem::remove(dir_ / "p/datasources/b.yaml");
  PassAfter(kEvery);
  EXPECT_EQ(grafana_.asked, 0);
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_EQ(Held(), (SecureValues{{"1/a/p", "canary-a2"}, {"1/c/p", "canary-c1"}}));
  // From now on the new reference is watched too.
  vault_.Set("grafana/1/c/p", "canary-c2");
  PassAfter(kEvery);
  EXPECT_EQ(Held()["1/c/p"], "canary-c2");
  EXPECT_TRUE(Said("grafana/1/c/p"));
}

TEST_F(ReloadTest, AServiceThatIsDownOrSealedIsSaidOnceAndItsValuesComeLater) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  for (const ErrorCode failure : {ErrorCode::kUnavailable, ErrorCode::kSealed}) {
    lines_.clear();
    vault_.list_failure = failure;
    for (int i = 0; i < 5; ++i) PassAfter(kEvery);
    EXPECT_EQ(lines_.size(), 1U);
    EXPECT_TRUE(Said("Grafana keeps the secrets that it has"));
    EXPECT_EQ(Held()["1/a/p"], "canary-a1");
    vault_.list_failure.reset();
    vault_.failure = failure;  // it goes down between the list and the values
    PassAfter(kEvery);
    EXPECT_EQ(Held()["1/a/p"], "canary-a1");
    vault_.failure.reset();
  }
  EXPECT_TRUE(Said("the vault can be asked again"));
  EXPECT_EQ(grafana_.asked, 0);
  PassAfter(4 * kEvery);
  EXPECT_EQ(Held()["1/a/p"], "canary-a2");
  EXPECT_EQ(grafana_.reloads, 1);
}

TEST_F(ReloadTest, ARenderingThatFailsIsTriedLessAndLessOften) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  vault_.failure = ErrorCode::kUnavailable;
  for (int i = 0; i < 120; ++i) PassAfter(kEvery);
  EXPECT_EQ(vault_.lists, 120);
  EXPECT_LE(vault_.gets, 12);  // after 30 s, 60, 120, 240, 480 and then each 600
  EXPECT_GE(vault_.gets, 8);
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(Said("grafana/1/a/p"));
  EXPECT_EQ(Held()["1/a/p"], "canary-a1");
  vault_.failure.reset();
  PassAfter(600 * kMicrosPerSecond);
  EXPECT_EQ(Held()["1/a/p"], "canary-a2");
}

TEST_F(ReloadTest, ASecretThatIsGoneHoldsBackNoOthersAndKeepsItsLastValue) {
  Write("c.yaml", "datasources:\n- {name: c, secureJsonData: {p: coffer://grafana/1/c/p}}\n");
  vault_.Set("grafana/1/c/p", "canary-c1");
  Start();
  for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kFailedPrecondition, ErrorCode::kPermissionDenied,
                               ErrorCode::kDecryptFailed}) {
    lines_.clear();
    vault_.failures = {{"grafana/1/c/p", code}, {"grafana/1/b/p", code}};
    const std::string next = "canary-a" + std::to_string(static_cast<int>(code));
    vault_.Set("grafana/1/a/p", next);
    PassAfter(kEvery);
    EXPECT_EQ(Held(), (SecureValues{{"1/a/p", next}, {"1/b/p", "canary-b1"}, {"1/c/p", "canary-c1"}}));
    EXPECT_TRUE(Said("Grafana has reloaded its datasources for new versions of grafana/1/a/p"));
    EXPECT_TRUE(
        Said("WARNING: grafana/1/b/p: the test's failure; grafana/1/c/p: the test's failure; Grafana goes on "
             "with the last value, and would not start again"));
    EXPECT_EQ(lines_.size(), 2U);
    vault_.failures.clear();
    PassAfter(600 * kMicrosPerSecond);
  }
}

TEST_F(ReloadTest, ASecretThatIsGoneIsSaidAgainEachHour) {
  vault_.failures = {{"grafana/1/b/p", ErrorCode::kFailedPrecondition}};
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  lines_.clear();
  for (int i = 0; i < 119; ++i) PassAfter(kEvery);
  EXPECT_TRUE(lines_.empty());
  PassAfter(kEvery);
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(Said("WARNING: grafana/1/b/p"));
}

TEST_F(ReloadTest, ASecretThatComesBackIsFoundLessAndLessOftenAndReachesGrafana) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  vault_.failures = {{"grafana/1/a/p", ErrorCode::kFailedPrecondition}};
  PassAfter(kEvery);
  EXPECT_EQ(Held()["1/a/p"], "canary-a1");
  EXPECT_EQ(grafana_.asked, 0);
  vault_.gets = 0;
  for (int i = 0; i < 120; ++i) PassAfter(kEvery);
  EXPECT_LE(vault_.gets, 12);  // of the one secret alone
  EXPECT_GE(vault_.gets, 8);
  EXPECT_EQ(grafana_.asked, 0);
  vault_.failures.clear();
  PassAfter(600 * kMicrosPerSecond);
  EXPECT_EQ(Held()["1/a/p"], "canary-a2");
  EXPECT_EQ(grafana_.reloads, 1);
}

TEST_F(ReloadTest, ANewVersionOfASecretThatWasGoneComesAtOnce) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  vault_.failures = {{"grafana/1/a/p", ErrorCode::kFailedPrecondition}};
  for (int i = 0; i < 120; ++i) PassAfter(kEvery);
  vault_.failures.clear();
  vault_.Set("grafana/1/a/p", "canary-a3");
  PassAfter(kEvery);
  EXPECT_EQ(Held()["1/a/p"], "canary-a3");
  lines_.clear();
  for (int i = 0; i < 240; ++i) PassAfter(kEvery);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ReloadTest, ASecretThatIsNotListedAnyMoreIsSaidAndReadRarely) {
  vault_.Forget("grafana/1/a/p");
  PassAfter(kEvery);
  EXPECT_TRUE(Said("WARNING: grafana/1/a/p: no such secret"));
  EXPECT_EQ(Held()["1/a/p"], "canary-a1");
  vault_.gets = 0;
  for (int i = 0; i < 120; ++i) PassAfter(kEvery);
  EXPECT_LE(vault_.gets, 12);
  EXPECT_EQ(grafana_.asked, 0);
}

TEST_F(ReloadTest, AValueThatYamlCannotHoldHoldsBackNoOthers) {
  vault_.Set("grafana/1/a/p", std::string("canary-\xff"));
  Write("c.yaml", "datasources:\n- {name: c, secureJsonData: {p: coffer://grafana/1/c/p}}\n");
  vault_.Set("grafana/1/c/p", "canary-c1");
  PassAfter(kEvery);
  EXPECT_EQ(Held(), (SecureValues{{"1/a/p", "canary-a1"}, {"1/b/p", "canary-b1"}, {"1/c/p", "canary-c1"}}));
  EXPECT_TRUE(Said("WARNING: grafana/1/a/p: the value is not UTF-8"));
}

TEST_F(ReloadTest, ANewReferenceWithoutASecretHasNoLastValueAndIsNamed) {
  Write("c.yaml", "datasources:\n- {name: c, secureJsonData: {p: coffer://grafana/1/c/p}}\n");
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_EQ(Held()["1/a/p"], "canary-a1");
  EXPECT_TRUE(Said("c.yaml"));
  EXPECT_TRUE(Said("not yet grafana/1/a/p"));
}

TEST_F(ReloadTest, AFileThatIsNoYamlKeepsTheOldOnesAndIsNamed) {
  Write("b.yaml", "datasources: [\n");
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_TRUE(Said("b.yaml"));
  EXPECT_EQ(Held(), (SecureValues{{"1/a/p", "canary-a1"}, {"1/b/p", "canary-b1"}}));
  std::filesystem::remove(dir_ / "p/datasources/b.yaml");
  PassAfter(kEvery);
  EXPECT_EQ(Held(), (SecureValues{{"1/a/p", "canary-a2"}}));
}

TEST_F(ReloadTest, AFileThatEverybodyMayWriteIsRefusedHereToo) {
  ASSERT_EQ(chmod((dir_ / "p/datasources/b.yaml").c_str(), 0666), 0);
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_TRUE(Said("chmod o-w"));
  EXPECT_EQ(grafana_.asked, 0);
}

TEST_F(ReloadTest, GrafanaThatDoesNotAnswerIsAskedAgainUntilItDoes) {
  grafana_.failure = ErrorCode::kUnavailable;
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  EXPECT_EQ(grafana_.asked, 1);
  for (const int after_s : {1, 2, 4, 8}) {
    const int before = grafana_.asked;
    PassAfter((after_s - 1) * kMicrosPerSecond);
    EXPECT_EQ(grafana_.asked, before) << after_s;
    PassAfter(kMicrosPerSecond);
    EXPECT_EQ(grafana_.asked, before + 1) << after_s;
  }
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_EQ(vault_.gets, 2);  // fetched once: the two references
  grafana_.failure.reset();
  PassAfter(60 * kMicrosPerSecond);
  EXPECT_EQ(grafana_.reloads, 1);
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(ReloadTest, ALoginThatIsRefusedIsNotTriedOftenEnoughToLockIt) {
  for (const ErrorCode refusal : {ErrorCode::kUnauthenticated, ErrorCode::kPermissionDenied}) {
    lines_.clear();
    grafana_ = {};
    grafana_.failure = refusal;
    // A secret changes each 30 s meanwhile.
    for (int i = 0; i < 20; ++i) {
      vault_.Set("grafana/1/a/p", "canary-" + std::to_string(i));
      PassAfter(kEvery);
    }
    EXPECT_EQ(grafana_.asked, 2);
    EXPECT_EQ(lines_.size(), 1U);
    EXPECT_TRUE(Said("asked again in 5 minutes"));
    grafana_.failure.reset();
    PassAfter(300 * kMicrosPerSecond);
    EXPECT_EQ(grafana_.reloads, 1);
    EXPECT_EQ(Held()["1/a/p"], "canary-19");
  }
}

TEST_F(ReloadTest, AnotherKeyIsSaidOnceAndNeverHandedToARunningGrafana) {
  vault_.Set("grafana/secret_key", "canary-k2");
  vault_.Set("grafana/secret_key.next", "canary-k3");
  for (int i = 0; i < 3; ++i) PassAfter(kEvery);
  EXPECT_EQ(lines_,
            std::vector<std::string>{"grafana/secret_key has a new version, which a running Grafana cannot take: "
                                     "restart it"});
  EXPECT_EQ(vault_.gets, 0);
  EXPECT_EQ(grafana_.asked, 0);
}

TEST_F(ReloadTest, ManyNamesAreShortened) {
  std::string text = "datasources:\n";
  for (int i = 0; i < 8; ++i) {
    const std::string name = "n" + std::to_string(i);
    text += "- {name: " + name + ", secureJsonData: {p: coffer://grafana/1/" + name + "/p}}\n";
    vault_.Set("grafana/1/" + name + "/p", "canary-1");
  }
  Write("n.yaml", text);
  vault_.Set("grafana/1/a/p", "canary-a2");
  PassAfter(kEvery);
  for (int i = 0; i < 8; ++i) vault_.Set("grafana/1/n" + std::to_string(i) + "/p", "canary-2");
  PassAfter(kEvery);
  EXPECT_TRUE(Said("grafana/1/n3/p, grafana/1/n4/p and 3 more"));
}

TEST_F(ReloadTest, OnceItIsOverNothingIsFetchedWrittenOrSaid) {
  vault_.Set("grafana/1/a/p", "canary-a2");
  cancelled_ = true;
  PassAfter(kEvery);
  EXPECT_EQ(vault_.gets, 0);
  EXPECT_EQ(grafana_.asked, 0);
  vault_.list_failure = ErrorCode::kUnavailable;
  PassAfter(kEvery);
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(Held()["1/a/p"], "canary-a1");
}

}  // namespace
}  // namespace coffer::grafana
