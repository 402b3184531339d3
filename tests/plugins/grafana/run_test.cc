#include "plugins/grafana/run.h"

#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "io/directory.h"
#include "io/unique_fd.h"
#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer::grafana {
namespace {

constexpr const char* kFile =
    "datasources:\n- name: a\n  url: $URL\n  secureJsonData:\n    p: coffer://grafana/1/a/p  # c\n";

// A provisioning folder, a vault that has what it needs, and a folder in memory for the private one.
class RunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto in_memory = IsMemoryBacked("/dev/shm");
    if (!in_memory.ok() || !*in_memory) GTEST_SKIP() << "/dev/shm is not in memory here";
    memory_ = "/dev/shm/coffer-test-XXXXXX";
    ASSERT_NE(mkdtemp(memory_.data()), nullptr);
    std::filesystem::create_directories(dir_ / "p/datasources");
    std::filesystem::create_directories(dir_ / "p/dashboards");
    Write("p/datasources/a.yaml", kFile);
    Write("p/dashboards/d e.yaml", "apiVersion: 1\n");
    vault_.Set("grafana/1/a/p", "s$cret");
    vault_.Set("grafana/secret_key", "key-one");
    vault_.Set("grafana/secrets_manager_secret_key", "key-two");
  }
  void TearDown() override {
    std::error_code ignored;
    if (!memory_.empty()) std::filesystem::remove_all(memory_, ignored);
  }

  void Write(const std::string& name, const std::string& text) { std::ofstream(dir_ / name, std::ios::binary) << text; }
  RunOptions Options(const std::string& ending) const {
    RunOptions options;
    options.provisioning_dir = dir_ / "p";
    options.command = {"python3", "tests/plugins/grafana/fake_grafana.py", dir_ / "report", ending};
    options.memory_folders = {memory_};
    return options;
  }
  Result<int> Run(const RunOptions& options) {
    auto prepared = PreparedRun::Prepare(options, vault_);
    if (!prepared.ok()) return std::move(prepared).error();
    return std::move(*prepared).Execute();
  }
  nlohmann::json Report() const { return nlohmann::json::parse(ReadText(dir_ / "report").value()); }
  bool NothingLeft() const { return std::filesystem::is_empty(memory_); }

  TempDir dir_;
  std::string memory_;
  MemoryVault vault_;
};

TEST_F(RunTest, GrafanaFindsRenderedFilesAndKeys) {
  const auto code = Run(Options("0"));
  ASSERT_TRUE(code.ok()) << code.error().ToString();
  EXPECT_EQ(*code, 0);
  const auto report = Report();
  const std::string folder = report["folder"];
  const auto& files = report["files"];
  EXPECT_TRUE(folder.starts_with(memory_ + "/coffer-"));
  EXPECT_EQ(report["variables"]["GF_PATHS_PROVISIONING"], folder + "/provisioning");
  EXPECT_EQ(report["variables"]["GF_SECURITY_SECRET_KEY"], "$__file{" + folder + "/secret_key}");
  EXPECT_EQ(report["variables"]["GF_SECRETS_MANAGER_ENCRYPTION_SECRET_KEY_V1_SECRET_KEY"],
            "$__file{" + folder + "/secrets_manager_secret_key}");
  EXPECT_EQ(files["secret_key"], (nlohmann::json{{"mode", "0o400"}, {"text", "key-one"}}));
  EXPECT_EQ(files["secrets_manager_secret_key"]["text"], "key-two");
  EXPECT_EQ(files["provisioning"]["mode"], "0o700");
  EXPECT_EQ(files["provisioning/datasources/a.yaml"]["mode"], "0o400");
  const std::string text = files["provisioning/datasources/a.yaml"]["text"];
  EXPECT_EQ(text, "datasources:\n- name: a\n  url: $URL\n  secureJsonData:\n    p: \"s$$cret\"  # c\n");
  EXPECT_EQ(ReadAsGrafana(text), (SecureValues{{"1/a/p", "s$cret"}}));
  EXPECT_EQ(files["provisioning/dashboards"]["link"], dir_ / "p/dashboards");
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, ExitCodeIsPassedOnAndTheFolderIsGone) {
  const auto code = Run(Options("42"));
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 42);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, FileTwinsOfTheVariablesAndHiddenOnesDoNotReachTheCommand) {
  ASSERT_EQ(setenv("GF_SECURITY_SECRET_KEY__FILE", "x", 1) + setenv("GF_SECURITY_SECRET_KEY", "old", 1) +
                setenv("COFFER_TOKEN", "x", 1) + setenv("GF_OTHER", "kept", 1),
            0);
  auto options = Options("0");
  options.hidden_variables = {"COFFER_TOKEN"};
  ASSERT_TRUE(Run(options).ok());
  const auto variables = Report()["variables"];
  EXPECT_FALSE(variables.contains("GF_SECURITY_SECRET_KEY__FILE"));
  EXPECT_FALSE(variables.contains("COFFER_TOKEN"));
  EXPECT_NE(variables["GF_SECURITY_SECRET_KEY"], "old");
  EXPECT_EQ(variables["GF_OTHER"], "kept");
}

TEST_F(RunTest, CommandThatCannotStartLeavesNothing) {
  auto options = Options("0");
  options.command = {dir_ / "not there"};
  const auto code = Run(options);
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, ServiceThatIsDownOrSealedStartsNothingAndSaysTheNextStep) {
  const std::pair<ErrorCode, std::string> table[] = {{ErrorCode::kUnavailable, "start cofferd"},
                                                     {ErrorCode::kSealed, "unseal"},
                                                     {ErrorCode::kUnauthenticated, "socket"}};
  for (const auto& [failure, step] : table) {
    vault_.failure = failure;
    const auto code = Run(Options("0"));
    ASSERT_FALSE(code.ok());
    EXPECT_EQ(code.error().code(), failure);
    EXPECT_NE(code.error().message().find("nothing was started"), std::string_view::npos);
    EXPECT_NE(code.error().message().find(step), std::string_view::npos);
    EXPECT_FALSE(std::filesystem::exists(dir_ / "report"));
    EXPECT_TRUE(NothingLeft());
  }
}

TEST_F(RunTest, MissingSecretNamesFileAndLine) {
  Write("p/datasources/b.yml", "datasources:\n- name: b\n  secureJsonData:\n    p: coffer://grafana/1/b/p\n");
  const auto code = Run(Options("0"));
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(code.error().path().starts_with("b.yml")) << code.error().ToString();
  EXPECT_EQ(code.error().line(), 4U);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, DeletedSecretStartsNothingAndSaysTheNextStep) {
  vault_.failures = {{"grafana/1/a/p", ErrorCode::kFailedPrecondition}};
  const auto code = Run(Options("0"));
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(code.error().ToString().find("coffer secret undelete"), std::string::npos);
  EXPECT_EQ(code.error().line(), 5U);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, MissingKeyIsMadeOnlyWhenAsked) {
  MemoryVault fresh;
  fresh.Set("grafana/1/a/p", "x");
  auto options = Options("0");
  const auto refused = PreparedRun::Prepare(options, fresh);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("secret-key import"), std::string_view::npos);
  EXPECT_EQ(fresh.size(), 1U);
  options.make_missing_keys = true;
  EXPECT_TRUE(PreparedRun::Prepare(options, fresh).ok());
  EXPECT_EQ(fresh.size(), 3U);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, PublicDefaultKeyIsRefused) {
  vault_.Set("grafana/secret_key", "SW2YcwTIb9zpOOhoPsMm");
  const auto code = Run(Options("0"));
  ASSERT_FALSE(code.ok());
  EXPECT_NE(code.error().message().find("public default"), std::string_view::npos);
}

TEST_F(RunTest, FileThatEverybodyMayWriteIsRefused) {
  ASSERT_EQ(chmod((dir_ / "p/datasources/a.yaml").c_str(), 0666), 0);
  const auto code = Run(Options("0"));
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(vault_.gets, 0);
}

TEST_F(RunTest, LinkedFilesOfAnOrchestratorAreRead) {
  std::filesystem::create_directories(dir_ / "p/datasources/..data");
  std::filesystem::rename(dir_ / "p/datasources/a.yaml", dir_ / "p/datasources/..data/a.yaml");
  std::filesystem::create_symlink("..data/a.yaml", dir_ / "p/datasources/a.yaml");
  ASSERT_TRUE(Run(Options("0")).ok());
  const std::string text = Report()["files"]["provisioning/datasources/a.yaml"]["text"];
  EXPECT_EQ(ReadAsGrafana(text)["1/a/p"], "s$cret");
}

TEST_F(RunTest, FolderThatIsNotThereOrNotInMemoryIsRefused) {
  auto options = Options("0");
  options.provisioning_dir = dir_ / "nothing";
  EXPECT_FALSE(Run(options).ok());
  options = Options("0");
  options.memory_folders = {"/proc"};
  const auto refused = Run(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  options = Options("0");
  options.command = {};
  EXPECT_FALSE(Run(options).ok());
}

TEST_F(RunTest, PlainTextIsCountedForTheWarning) {
  Write("p/datasources/b.yaml", "datasources:\n- name: b\n  secureJsonData: {p: plain, q: other}\n");
  const auto prepared = PreparedRun::Prepare(Options("0"), vault_);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->references(), 1U);
  EXPECT_EQ(prepared->plaintexts(), 2U);
}

// True when the other end was opened for writing and something was written, within the deadline.
bool WaitForReport(int fifo) {
  pollfd waited{fifo, POLLIN, 0};
  constexpr int kDeadlineMillis = 60'000;
  return poll(&waited, 1, kDeadlineMillis) == 1 && (waited.revents & POLLIN) != 0;
}

TEST_F(RunTest, SignalsReachTheCommandAndTheFolderIsGoneAfterwards) {
  const std::string fifo_path = dir_ / "report";
  ASSERT_EQ(mkfifo(fifo_path.c_str(), 0600), 0);
  const std::pair<int, int> table[] = {{SIGTERM, 7}, {SIGHUP, 8}, {SIGUSR1, 9}};
  for (const auto& [number, expected] : table) {
    const int fifo = open(fifo_path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(fifo, 0);
    const pid_t wrapper = fork();
    if (wrapper == 0) {
      const auto code = Run(Options("wait"));
      _exit(code.ok() ? *code : 99);
    }
    EXPECT_TRUE(WaitForReport(fifo));
    EXPECT_FALSE(NothingLeft());
    EXPECT_EQ(kill(wrapper, number), 0);
    int status = 0;
    EXPECT_EQ(waitpid(wrapper, &status, 0), wrapper);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), expected);
    EXPECT_TRUE(NothingLeft());
    close(fifo);
  }
}

// Grafana that says on a pipe when it is told, and then takes until it is cancelled.
class SlowGrafana final : public ReloadTarget {
 public:
  explicit SlowGrafana(const std::string& fifo) : fifo_(fifo) {}
  Status Reload(const std::atomic<bool>& cancelled) override {
    const UniqueFd pipe(open(fifo_.c_str(), O_RDWR | O_CLOEXEC));  // with a reader of its own, it waits for none
    EXPECT_EQ(write(pipe.get(), "told\n", 5), 5);
    while (!cancelled) poll(nullptr, 0, 1);
    return {};
  }

 private:
  const std::string fifo_;
};

TEST_F(RunTest, CommandThatEndsDuringAReloadEndsIt) {
  const std::string fifo = dir_ / "told";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  auto options = Options("0");
  // Waits until the reload runs; its folder was rendered anew by then.
  options.command = {"timeout",
                     "60",
                     "sh",
                     "-c",
                     "read told <\"$0\" && grep -q new \"$GF_PATHS_PROVISIONING/datasources/a.yaml\" && exit 5",
                     fifo};
  auto prepared = PreparedRun::Prepare(options, vault_);
  ASSERT_TRUE(prepared.ok());
  SlowGrafana grafana(fifo);
  const SystemClock clock;
  std::vector<std::string> lines;
  const ReloadPorts ports{vault_, vault_, grafana, clock, [&lines](const std::string& line) { lines.push_back(line); }};
  ASSERT_TRUE(prepared->ReloadWith(ports, std::chrono::microseconds(1)).ok());
  vault_.Set("grafana/1/a/p", "new");
  const auto code = std::move(*prepared).Execute();
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 5);
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(NothingLeft());
}

// A vault that says on a pipe when it is asked again, and then answers only once it is given up.
class HangingVault final : public MemoryVault {
 public:
  explicit HangingVault(const std::string& fifo) : fifo_(fifo) {}
  Result<SecretPage> List(const std::string& prefix, const std::string& page_token) override {
    if (lists > 0) {
      const UniqueFd pipe(open(fifo_.c_str(), O_RDWR | O_CLOEXEC));
      EXPECT_EQ(write(pipe.get(), "asked\n", 6), 6);
      EXPECT_TRUE(WaitUntil([this] { return given_up.load(); }, std::chrono::seconds(60)));
    }
    return MemoryVault::List(prefix, page_token);
  }
  std::atomic<bool> given_up = false;

 private:
  const std::string fifo_;
};

TEST_F(RunTest, CommandThatEndsDoesNotWaitForAVaultThatHangs) {
  const std::string fifo = dir_ / "asked";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  auto options = Options("0");
  options.command = {"timeout", "60", "sh", "-c", "read asked <\"$0\" && exit 5", fifo};
  auto prepared = PreparedRun::Prepare(options, vault_);
  ASSERT_TRUE(prepared.ok());
  SlowGrafana grafana("");
  HangingVault vault(fifo);
  const SystemClock clock;
  std::vector<std::string> lines;
  const ReloadPorts ports{vault,
                          vault,
                          grafana,
                          clock,
                          [&lines](const std::string& line) { lines.push_back(line); },
                          [&vault] { vault.given_up = true; }};
  ASSERT_TRUE(prepared->ReloadWith(ports, std::chrono::microseconds(1)).ok());
  const auto code = std::move(*prepared).Execute();
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 5);
  EXPECT_TRUE(lines.empty());
  EXPECT_TRUE(NothingLeft());
}

TEST_F(RunTest, ReloadingThatIsNotAllowedIsKnownBeforeTheStart) {
  auto prepared = PreparedRun::Prepare(Options("0"), vault_);
  ASSERT_TRUE(prepared.ok());
  SlowGrafana grafana("");
  const SystemClock clock;
  vault_.list_failure = ErrorCode::kPermissionDenied;
  const Status refused = prepared->ReloadWith({vault_, vault_, grafana, clock, {}}, std::chrono::seconds(1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(RunTest, SignalWhileThePreparedFolderStandsIsKeptForTheCommand) {
  const pid_t wrapper = fork();
  if (wrapper == 0) {
    auto options = Options("0");
    options.command = {"tail", "-f", "/dev/null"};
    auto prepared = PreparedRun::Prepare(options, vault_);
    raise(SIGTERM);
    const auto code = prepared.ok() ? std::move(*prepared).Execute() : Result<int>(99);
    _exit(code.ok() && *code == 128 + SIGTERM ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(wrapper, &status, 0), wrapper);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(NothingLeft());
}

}  // namespace
}  // namespace coffer::grafana
