// A throwaway PostgreSQL on a unix socket in a temporary folder, of Debian's programs.
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "io/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer {

// One cluster, which trusts who can enter its folder: root and the server's own user. Stopped when destroyed; it also
// ends with this process. `password_user` alone needs a password.
class PostgresServer {
 public:
  static constexpr std::int64_t kDeadlineMicros = 60'000'000;

  // The folder of initdb, postgres and pg_dump of the newest version there is; empty where there is none, or root may
  // not run it.
  static std::string Programs() {
    std::string newest;
    int newest_version = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const std::string name = entry.path().filename();
      int version = 0;
      std::from_chars(name.data(), name.data() + name.size(), version);
      if (version <= newest_version || !std::filesystem::exists(entry.path() / "bin/initdb", ignored)) continue;
      newest_version = version;
      newest = entry.path() / "bin";
    }
    return geteuid() != 0 || getpwnam("postgres") != nullptr ? newest : "";
  }

  // Nothing where it does not start. `settings`: "name=value" of its configuration.
  static std::unique_ptr<PostgresServer> Start(const std::vector<std::string>& settings = {}) {
    auto server = std::make_unique<PostgresServer>();
    return server->Begin(settings) ? std::move(server) : nullptr;
  }

  ~PostgresServer() {
    if (!process_) return;
    static_cast<void>(process_->Signal(SIGQUIT));
    static_cast<void>(process_->WaitFor(kDeadlineMicros));
  }

  std::string Url(const std::string& database = "postgres", const std::string& user = "postgres") const {
    return "postgresql:///" + database + "?user=" + user + "&host=" + folder_.path();
  }
  const std::string& folder() const { return folder_.path(); }

  // A program of PostgreSQL's against this server, its output in `output` of the server's folder: its exit code.
  int Run(const std::string& program, std::vector<std::string> arguments, const std::string& output,
          const std::string& pgoptions = "") const {
    const std::string command = "exec \"$0\" \"$@\" > " + (folder_ / output);
    std::vector<std::string> argv = {"sh", "-c",           command, Programs() + "/" + program,
                                     "-h", folder_.path(), "-U",    "postgres"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ChildOptions options;
    options.environment = {{"PGOPTIONS", pgoptions}};
    auto child = ChildProcess::Spawn(argv, options);
    if (!child.ok()) return -1;
    const auto code = child->WaitFor(kDeadlineMicros);
    return code.ok() && *code ? **code : -1;
  }

 private:
  static std::vector<std::string> AsServersUser() {
    std::vector<std::string> words = {"setpriv", "--pdeathsig", "KILL"};
    if (geteuid() == 0) words.insert(words.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
    return words;
  }

  static Result<ChildProcess> Spawn(std::vector<std::string> arguments) {
    std::vector<std::string> argv = AsServersUser();
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ChildOptions options;
    options.input = options.output = options.error = ChildStream::kNull;
    return ChildProcess::Spawn(argv, options);
  }

  bool Begin(const std::vector<std::string>& settings) {
    const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
    if (user != nullptr && chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0) return false;
    auto made = Spawn({Programs() + "/initdb", "--no-sync", "--auth=trust", "--username=postgres", "--locale=C.UTF-8",
                       "--encoding=UTF8", "--pgdata", folder_ / "data"});
    if (!made.ok()) return false;
    const auto code = made->WaitFor(kDeadlineMicros);
    if (!code.ok() || *code != 0) return false;
    std::ofstream(folder_ / "data/pg_hba.conf") << "local all password_user scram-sha-256\nlocal all all trust\n";
    std::vector<std::string> command = {Programs() + "/postgres", "-D", folder_ / "data"};
    for (const std::string& setting :
         {std::string("listen_addresses="), std::string("fsync=off"), "unix_socket_directories=" + folder_.path()}) {
      command.insert(command.end(), {"-c", setting});
    }
    for (const std::string& setting : settings) command.insert(command.end(), {"-c", setting});
    auto process = Spawn(std::move(command));
    if (!process.ok()) return false;
    process_.emplace(std::move(*process));
    return WaitUntil([this] { return IsReady(); }, std::chrono::minutes(1));
  }

  bool IsReady() const {
    std::ifstream file(folder_ / "data/postmaster.pid");
    std::string line;
    for (int i = 0; i < 8 && std::getline(file, line); ++i) continue;
    return line.starts_with("ready");
  }

  TempDir folder_;
  std::optional<ChildProcess> process_;
};

}  // namespace coffer
